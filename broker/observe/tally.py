"""Counts and times of one kind of work, by action and outcome, cheap enough for the path of every call.

A metric of the Prometheus client takes a lock and looks its labels up at each use. A tally is found once an action and
is two additions; the exposition turns tallies into metrics when somebody reads them. All of it happens in the event
loop's thread.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Final

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

BUCKETS_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
UNKNOWN_ACTION = "unknown"
"""Callers choose action names; those that nobody serves share one label."""
ACTIONS_MAX = 4_096
"""Other nodes choose the names of what they serve; beyond so many the rest share that label too."""

REGIONS_MAX: Final = 64
OTHER = "other"
"""Other nodes choose the names of their regions, too."""

_EDGES = (*(str(edge) for edge in BUCKETS_SECONDS), "+Inf")


class Outcome:
    __slots__ = ("buckets", "seconds")

    def __init__(self) -> None:
        self.buckets = [0] * len(_EDGES)
        self.seconds = 0.0

    @property
    def count(self) -> int:
        return sum(self.buckets)

    def cumulative(self) -> list[tuple[str, float]]:
        return list(zip(_EDGES, map(float, accumulate(self.buckets)), strict=True))


class Tally:
    """Of one action."""

    __slots__ = ("outcomes", "regions")

    def __init__(self) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self.regions: dict[str, int] = {}

    def note(self, code: str, seconds: float) -> None:
        outcome = self.outcomes.get(code)
        if outcome is None:
            outcome = self.outcomes[code] = Outcome()
        outcome.buckets[bisect_left(BUCKETS_SECONDS, seconds)] += 1
        outcome.seconds += seconds

    def note_region(self, region: str) -> None:
        """Where it was answered."""
        if region not in self.regions and len(self.regions) >= REGIONS_MAX:
            region = OTHER
        self.regions[region] = self.regions.get(region, 0) + 1

    @property
    def count(self) -> int:
        return sum(outcome.count for outcome in self.outcomes.values())


class Tallies(Collector):
    """The tallies of one kind of work: `<name>_total` and `<seconds_name>` by action and outcome, and
    `<name>_answered_total` by action and the region of the answer."""

    def __init__(self, name: str, text: str, seconds_name: str, seconds_text: str, common: Mapping[str, str]) -> None:
        """`common`: labels that all have, which are the node's own."""
        self._name, self._text = name, text
        self._seconds_name, self._seconds_text = seconds_name, seconds_text
        self._common = common
        self._tallies: dict[str, Tally] = {}

    def __iter__(self) -> Iterator[tuple[str, Tally]]:
        return iter(self._tallies.items())

    def of(self, action: str) -> Tally:
        if action not in self._tallies and len(self._tallies) >= ACTIONS_MAX:
            action = UNKNOWN_ACTION
        return self._tallies.setdefault(action, Tally())

    def collect(self) -> Iterator[Metric]:
        names, own = tuple(self._common), tuple(self._common.values())
        labels = ("action", "outcome", *names)
        counts = CounterMetricFamily(self._name, self._text, labels=labels)
        times = HistogramMetricFamily(self._seconds_name, self._seconds_text, labels=labels)
        answered = CounterMetricFamily(
            f"{self._name}_answered", f"{self._text}; where", labels=("action", "in_region", *names)
        )
        for action, tally in self._tallies.items():
            for code, outcome in tally.outcomes.items():
                counts.add_metric((action, code, *own), outcome.count)
                times.add_metric((action, code, *own), outcome.cumulative(), outcome.seconds)
            for region, count in tally.regions.items():
                answered.add_metric((action, region, *own), count)
        yield from (counts, times, answered)


def quantile_seconds(buckets: Sequence[int], share: float) -> float | None:
    """The upper bound of the bucket that holds it; None if nothing was counted."""
    wanted = share * sum(buckets)
    for bound, counted in zip((*BUCKETS_SECONDS, BUCKETS_SECONDS[-1]), accumulate(buckets), strict=True):
        if counted and counted >= wanted:
            return bound
    return None
