"""Counts and times of one kind of work, by action and outcome, cheap enough for the path of every call.

A metric of the Prometheus client takes a lock and looks its labels up at each use. A tally is found once an action and
is three additions; the exposition turns tallies into metrics when somebody reads them. All of it happens in the event
loop's thread.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
UNKNOWN_ACTION = "unknown"
"""Callers choose action names; those that nobody serves share one label."""
ACTIONS_MAX = 4_096
"""Other nodes choose the names of what they serve; beyond so many the rest share that label too."""

_EDGES = (*(str(edge) for edge in BUCKETS_SECONDS), "+Inf")


class Tally:
    __slots__ = ("_buckets", "codes", "seconds")

    def __init__(self) -> None:
        self.codes: dict[str, int] = {}
        self.seconds = 0.0
        self._buckets = [0] * len(_EDGES)

    def note(self, code: str, seconds: float) -> None:
        self.codes[code] = self.codes.get(code, 0) + 1
        self.seconds += seconds
        self._buckets[bisect_left(BUCKETS_SECONDS, seconds)] += 1

    def cumulative(self) -> list[tuple[str, float]]:
        return list(zip(_EDGES, accumulate(self._buckets), strict=True))


class Tallies(Collector):
    """The tallies of one kind of work: `<name>_total` by action and code, `<seconds_name>` by action."""

    def __init__(self, name: str, text: str, seconds_name: str, seconds_text: str) -> None:
        self._name, self._text = name, text
        self._seconds_name, self._seconds_text = seconds_name, seconds_text
        self._tallies: dict[str, Tally] = {}

    def of(self, action: str) -> Tally:
        if action not in self._tallies and len(self._tallies) >= ACTIONS_MAX:
            action = UNKNOWN_ACTION
        return self._tallies.setdefault(action, Tally())

    def collect(self) -> Iterator[Metric]:
        counts = CounterMetricFamily(self._name, self._text, labels=("action", "code"))
        times = HistogramMetricFamily(self._seconds_name, self._seconds_text, labels=("action",))
        for action, tally in self._tallies.items():
            if tally.codes:
                times.add_metric((action,), tally.cumulative(), tally.seconds)
            for code, count in tally.codes.items():
                counts.add_metric((action, code), count)
        yield counts
        yield times
