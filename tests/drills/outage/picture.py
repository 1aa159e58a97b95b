"""An outage as a picture: who was answered and who was not, how long it took, and which region answered, over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from lab.users.record import Record
from tests.drills.outage.goals import Lived

SIZE_INCHES, DOTS_PER_INCH = (11.0, 7.5), 80
SERIES: Sequence[tuple[str, str, Callable[[Record], bool]]] = (
    ("reads, browsers", "#1a5fb4", lambda each: not each.write and each.kind == "browser"),
    ("reads, plain clients", "#3a9a5b", lambda each: not each.write and each.kind == "plain"),
    ("writes", "#a05cb0", lambda each: each.write),
)
FAILED = "#c01c28"


def draw(path: Path, title: str, lived: Lived, regions: dict[str, str]) -> None:
    """`regions`: address to name."""
    figure, (answers, times, places) = plt.subplots(3, 1, sharex=True, figsize=SIZE_INCHES)
    answers.set_title(title)
    _draw_answers(answers, lived)
    _draw_times(times, lived)
    _draw_places(places, lived, regions)
    for axes in (answers, times, places):
        axes.axvspan(0, lived.healing - lived.begun, color="#f4d9a8", alpha=0.6, zorder=0)
        axes.axvspan(lived.healing - lived.begun, lived.healed - lived.begun, color="#e4ecd4", alpha=0.8, zorder=0)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        axes.legend(loc="upper right", fontsize="small")
    places.set_xlabel("seconds since it began; orange: the outage, green: healing")
    figure.tight_layout()
    figure.savefig(path, dpi=DOTS_PER_INCH)
    plt.close(figure)


def _draw_answers(axes: Axes, lived: Lived) -> None:
    axes.set_ylabel("requests a second")
    for label, colour, chosen in SERIES:
        seconds, counts = per_second(lived, (each for each in lived.records if chosen(each) and each.answered))
        axes.plot(seconds, counts, color=colour, label=f"{label}, answered")
    seconds, counts = per_second(lived, (each for each in lived.records if not each.answered))
    axes.bar(seconds, counts, color=FAILED, width=1.0, align="edge", label="failed")


def _draw_times(axes: Axes, lived: Lived) -> None:
    axes.set_ylabel("seconds each took")
    for label, colour, chosen in SERIES:
        found = [each for each in lived.records if chosen(each) and each.answered]
        axes.plot(
            [each.begun - lived.begun for each in found], [each.seconds for each in found], ".", ms=2, color=colour,
            label=label,
        )  # fmt: skip


def _draw_places(axes: Axes, lived: Lived, regions: dict[str, str]) -> None:
    axes.set_ylabel("tries a second")
    for address, name in regions.items():
        counts = Counter(
            int((each.at - lived.begun) // 1)
            for record in lived.records
            for each in record.tries
            if each.address == address
        )
        seconds = range(int(lived.ended - lived.begun) + 1)
        axes.plot(list(seconds), [counts[second] for second in seconds], label=name)


def per_second(lived: Lived, records: Iterable[Record]) -> tuple[list[int], list[int]]:
    """By when they were made."""
    counts = Counter(int((each.begun - lived.begun) // 1) for each in records)
    seconds = list(range(min(counts, default=0), int(lived.ended - lived.begun)))
    return seconds, [counts[second] for second in seconds]
