"""The plots of `docs/strategy.md`, each from one more run of every strategy."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.report import OURS
from bench.strategy import CONTENDERS
from bench.strategy_run import ORACLE, Run
from bench.strategy_scenario import Scenario
from bench.strategy_scenarios import BREAKS_AT_SECONDS, DEFECTIVE, HEALED, JOINS_AT_SECONDS, OVERLOAD, SICK, STEP

Points: TypeAlias = Sequence[tuple[float, float]]

SEED = 0
BASELINES = [name for name in CONTENDERS if name not in (OURS, ORACLE)]
COLOURS = dict(
    zip(BASELINES, ("#d95f02", "#e7a03c", "#1b9e77", "#7570b3", "#e7298a", "#66a61e", "#a6761d"), strict=True)
)
STYLES: Mapping[str, Mapping[str, Any]] = {
    OURS: {"color": "#0b57d0", "linewidth": 2.4, "zorder": 5, "label": "ours"},
    ORACLE: {"color": "black", "linewidth": 1.6, "linestyle": (0, (4, 2)), "zorder": 6},
} | {name: {"color": colour, "linewidth": 1.1} for name, colour in COLOURS.items()}
SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "strategy",  # the same figures make the same file
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
}
WIDTH_INCHES, HEIGHT_INCHES = 9.0, 3.6
WINDOW_SECONDS = 0.5
TAIL_SHARES = [1 - 10 ** (-exponent / 20) for exponent in range(1, 61)]
"""From one in nearly all down to one in a thousand, evenly on a logarithmic scale."""
LEAST_PERCENT = 0.1


def draw(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(os.cpu_count()) as pool, mpl.rc_context(SETTINGS):
        runs = [
            (number, contender, pool.submit(points, number, contender))
            for number in range(len(SERIES))
            for contender in CONTENDERS
        ]
        found: list[dict[str, Points]] = [{} for _ in SERIES]
        for number, contender, run in runs:
            found[number][contender] = run.result()
        _save(_overload(found[0]), folder / "overload.svg")
        _save(_failing(found[1]), folder / "failing.svg")
        _save(_changes(found[2], found[3]), folder / "changes.svg")


def tail(run: Run) -> Points:
    """How many calls take longer than so long: milliseconds, percent."""
    return [(1000 * run.seconds(share), 100 * (1 - share)) for share in TAIL_SHARES]


def sick(run: Run) -> Points:
    return [
        (begin - BREAKS_AT_SECONDS, 100 * run.sent_share(SICK, begin, end))
        for begin, end in _windows(BREAKS_AT_SECONDS - 1, BREAKS_AT_SECONDS + 8)
    ]


def near(run: Run) -> Points:
    return [(begin, 100 * run.first_share("near", begin, end)) for begin, end in _windows(3, run.scenario.seconds)]


SERIES: Sequence[tuple[Callable[[Run], Points], Scenario]] = (
    (tail, OVERLOAD),
    (sick, DEFECTIVE),
    (near, STEP),
    (near, HEALED),
)


def points(series: int, contender: str) -> Points:
    """Series go by number, since functions cannot be sent to another process."""
    read, scenario = SERIES[series]
    return read(Run(scenario, contender, SEED))


def _windows(since: float, until: float) -> Sequence[tuple[float, float]]:
    count = int((until - since) / WINDOW_SECONDS)
    return list(pairwise(since + number * WINDOW_SECONDS for number in range(count + 1)))


def _overload(found: Mapping[str, Points]) -> Figure:
    figure = Figure((WIDTH_INCHES, HEIGHT_INCHES), layout="constrained")
    axes = figure.subplots()
    _lines(axes, found)
    axes.set(xscale="log", yscale="log", xlim=(10, 1000), ylim=(0.1, 100))
    axes.set(xlabel="milliseconds", ylabel="calls that take longer, %")
    axes.set_title("Near region offered 1.7 times its capacity", loc="left")
    _plain_ticks(axes, x=(10, 20, 50, 100, 200, 500, 1000), y=(0.1, 1, 10, 100))
    figure.legend(loc="outside right upper", frameon=False)
    return figure


def _failing(found: Mapping[str, Points]) -> Figure:
    figure = Figure((WIDTH_INCHES, HEIGHT_INCHES), layout="constrained")
    axes = figure.subplots()
    _lines(axes, {name: [(at, max(share, LEAST_PERCENT)) for at, share in each] for name, each in found.items()})
    axes.set(yscale="log", ylim=(LEAST_PERCENT, 100), xlabel="seconds after", ylabel="attempts sent to it, %")
    axes.set_title(
        "One of nine nodes has a defect and fails in half a millisecond (0.1 or less at the bottom)", loc="left"
    )
    _plain_ticks(axes, x=range(-1, 9), y=(0.1, 1, 10, 100))
    figure.legend(loc="outside right upper", frameon=False)
    return figure


def _changes(moved: Mapping[str, Points], healed: Mapping[str, Points]) -> Figure:
    figure = Figure((WIDTH_INCHES, HEIGHT_INCHES), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for axes, found, at, title in (
        (left, moved, BREAKS_AT_SECONDS, "From 2 to 100 ms away"),
        (right, healed, JOINS_AT_SECONDS, "New, with cold caches"),
    ):
        _lines(axes, found)
        axes.axvline(at, color="grey", linewidth=0.8)
        axes.set(ylim=(-3, 103), xlabel="seconds")
        axes.set_title(title, loc="left")
    left.set_ylabel("calls that ask the near region first, %")
    figure.legend(*left.get_legend_handles_labels(), loc="outside right upper", frameon=False)
    return figure


def _lines(axes: Axes, found: Mapping[str, Points]) -> None:
    for name, points in found.items():
        style = {"label": name.replace("-", " ")} | dict(STYLES[name])
        axes.plot([x for x, _ in points], [y for _, y in points], **style)


def _plain_ticks(axes: Axes, x: Sequence[float], y: Sequence[float]) -> None:
    axes.set_xticks(x, [f"{each:g}" for each in x])
    axes.set_yticks(y, [f"{each:g}" for each in y])
    axes.minorticks_off()


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, metadata={"Date": None})
