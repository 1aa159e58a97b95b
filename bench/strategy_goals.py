"""What the scoreboard measures in each scenario, and what is wanted of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import pairwise

from bench import strategy_scenarios as scenarios
from bench.report import OURS, Row
from bench.strategy_maps import FAR, MIDDLE, NEAR
from bench.strategy_readings import Readings
from bench.strategy_run import ORACLE
from bench.strategy_scenario import Scenario
from bench.strategy_scenarios import BREAKS_AT_SECONDS, JOINS_AT_SECONDS, SICK

WINDOW_SECONDS = 1.0
"""Of shares and quantiles over time: 300 calls, so that a share is known to 3 points."""
SETTLED_POINTS = 10.0
"""A share that is within so much of where it ends has settled."""
SETTLING_SECONDS = 3.0
FAIR_SECONDS = 10.0


class Against(Enum):
    NUMBER = auto()
    ORACLE = auto()
    """The limit is so many times the oracle's figure."""


@dataclass(frozen=True)
class Goal:
    limit: float
    against: Against = Against.NUMBER


@dataclass(frozen=True)
class Figure:
    name: str
    unit: str
    read: Callable[[Readings], float]
    goal: Goal | None = None
    higher_is_better: bool = False
    worst: bool = False
    """Of all seeds; else the median."""


@dataclass(frozen=True)
class Line:
    """A line of the scoreboard."""

    scenario: Scenario
    figures: Sequence[Figure]

    def case(self, figure: Figure) -> str:
        return f"{self.scenario.name}: {figure.name}"


def percent(share: float) -> float:
    return 100 * share


def _milliseconds(share: float) -> Callable[[Readings], float]:
    return lambda run: 1000 * run.seconds(share)


def _first(prefix: str) -> Callable[[Readings], float]:
    return lambda run: percent(run.first_share(prefix))


def _sick(since: float, until: float) -> Callable[[Readings], float]:
    return lambda run: percent(run.sent_share(SICK, BREAKS_AT_SECONDS + since, BREAKS_AT_SECONDS + until))


def _failed(run: Readings) -> float:
    return run.failed()


def shares(run: Readings, since: float, window_seconds: float = WINDOW_SECONDS) -> list[float]:
    """The near region's, in percent, window by window."""
    return [
        percent(run.first_share(NEAR, begin, end))
        for begin, end in pairwise(_steps(since, run.scenario.seconds, window_seconds))
    ]


def _steps(since: float, until: float, step: float) -> list[float]:
    return [since + number * step for number in range(int((until - since) / step) + 1)]


def _settled_seconds(run: Readings) -> float:
    """From when on the share is where it is in the last five seconds."""
    window_seconds = WINDOW_SECONDS / 4
    final = percent(run.first_share(NEAR, run.scenario.seconds - 5))
    found = shares(run, BREAKS_AT_SECONDS, window_seconds)
    away = [number for number, share in enumerate(found) if abs(share - final) > SETTLED_POINTS]
    return (away[-1] + 1) * window_seconds if away else 0.0


def _swing(run: Readings) -> float:
    found = shares(run, BREAKS_AT_SECONDS + SETTLING_SECONDS)
    return max(found) - min(found)


def _fair_share(run: Readings) -> float:
    """Of what it gets when it is well, which is everything: it can carry twice as much."""
    since = JOINS_AT_SECONDS + FAIR_SECONDS
    return percent(run.first_share(NEAR, since, since + 2 * WINDOW_SECONDS))


def _tail_times_before(run: Readings) -> float:
    """The worst two seconds after, against what it was without the region."""
    before = run.seconds(0.99, until=JOINS_AT_SECONDS)
    after = pairwise(_steps(JOINS_AT_SECONDS, run.scenario.seconds, 2 * WINDOW_SECONDS))
    return max(run.seconds(0.99, begin, end) for begin, end in after) / before


def _own_region(run: Readings) -> float:
    return percent(min(run.first_share(region, caller=number) for number, region in enumerate(run.scenario.callers)))


P50, P99 = _milliseconds(0.5), _milliseconds(0.99)
FAILED = Figure("failed calls, worst seed", "", _failed, worst=True)
TAIL = Figure("p99", "ms", P99)


def _steady(nearest: str) -> Sequence[Figure]:
    return (
        Figure("to the fastest region", "%", _first(nearest), Goal(98), higher_is_better=True),
        Figure("p50", "ms", P50, Goal(1.05, Against.ORACLE)),
        TAIL,
    )


FAILS_FAST = (
    Figure("to it, first second", "%", _sick(0, 1), Goal(1.0)),
    Figure("to it, after 5 s", "%", _sick(5, 10), Goal(0.1)),
    FAILED,
)

LINES: Sequence[Line] = (
    Line(scenarios.STEADY, _steady(NEAR)),
    Line(scenarios.STEADY_SEVEN, _steady("california")),
    Line(
        scenarios.OVERLOAD,
        (
            Figure(FAILED.name, "", _failed, Goal(0), worst=True),
            Figure("p99", "ms", P99, Goal(1.25, Against.ORACLE)),
            Figure("near region used", "%", lambda run: percent(run.busy_share[NEAR]), Goal(90), higher_is_better=True),
            Figure("p50", "ms", P50),
        ),
    ),
    Line(scenarios.FAILING, FAILS_FAST),
    Line(scenarios.DEFECTIVE, FAILS_FAST),
    Line(
        scenarios.SILENT,
        (
            Figure(FAILED.name, "", _failed, Goal(0), worst=True),
            Figure("extra load", "%", lambda run: percent(run.extra_share(BREAKS_AT_SECONDS)), Goal(5)),
            TAIL,
        ),
    ),
    Line(
        scenarios.STEP,
        (
            Figure("settled after", "s", _settled_seconds, Goal(SETTLING_SECONDS)),
            Figure("share swings from then on", "points", _swing, Goal(10)),
            Figure("p50", "ms", P50),
        ),
    ),
    Line(
        scenarios.HEALED,
        (
            Figure("of its fair share after 10 s", "%", _fair_share, Goal(90), higher_is_better=True),
            Figure("worst p99 : p99 before", "x", _tail_times_before, Goal(1.5)),
            Figure("p50", "ms", P50),
        ),
    ),
    Line(
        scenarios.MANY_CALLERS,
        (
            Figure(
                "a node's load, std. deviation",
                "",
                lambda run: run.in_flight_deviation(NEAR),
                Goal(1.5, Against.ORACLE),
            ),
            Figure("to the fastest region", "%", _first(NEAR), higher_is_better=True),
            TAIL,
        ),
    ),
    Line(
        scenarios.TWO_CALLERS,
        (Figure("to the own region, the lesser", "%", _own_region, Goal(98), higher_is_better=True), TAIL),
    ),
)
REGIONS = (NEAR, MIDDLE, FAR)


def met(figure: Figure, value: float, oracle: float) -> bool | None:
    """Whether a contender's value is as good as is wanted of ours; None where nothing is."""
    if figure.goal is None:
        return None
    limit = figure.goal.limit * (oracle if figure.goal.against is Against.ORACLE else 1)
    return value >= limit if figure.higher_is_better else value <= limit


def wanted(figure: Figure) -> str:
    goal = figure.goal
    if goal is None:
        return ""
    sign = ">=" if figure.higher_is_better else "<="
    if goal.against is Against.ORACLE:
        return f"{sign} {goal.limit:g} x oracle"
    return f"{sign} {goal.limit:g} {figure.unit}".strip() if goal.limit else "0"


def values(rows: Sequence[Row]) -> Mapping[tuple[str, str], float]:
    return {(row.case, row.contender): row.value for row in rows}


def missed(rows: Sequence[Row]) -> list[str]:
    """The goals that ours does not meet."""
    found = values(rows)
    return [
        f"{line.case(figure)}: {found[line.case(figure), OURS]:g} {figure.unit}, wanted {wanted(figure)}"
        for line in LINES
        for figure in line.figures
        if met(figure, found[line.case(figure), OURS], found[line.case(figure), ORACLE]) is False
    ]
