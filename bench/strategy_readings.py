"""What can be read off a run once it is over, whether it was simulated or went through real processes: both are judged
by the same arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from statistics import fmean, pstdev
from typing import Protocol

from bench.strategy_scenario import Scenario


class Made(Protocol):
    """A call that was made; times are those of the run."""

    @property
    def made_at_seconds(self) -> float: ...
    @property
    def done_at_seconds(self) -> float | None: ...
    @property
    def error(self) -> object | None: ...
    @property
    def first_node(self) -> str: ...
    @property
    def sent(self) -> Sequence[tuple[float, str]]:
        """Each attempt: when, and to which node."""
        ...


class Readings:
    def __init__(
        self,
        scenario: Scenario,
        by_caller: Sequence[Sequence[Made]],
        busy_share: Mapping[str, float],
        in_system: Mapping[str, Sequence[int]],
    ) -> None:
        """`busy_share` of each region's places. `in_system`: how many requests each node held, again and again; nothing
        where nobody could look."""
        self.scenario = scenario
        self.busy_share = busy_share
        self.in_system = in_system
        self._by_caller = by_caller

    @cached_property
    def all_calls(self) -> Sequence[Made]:
        """Once the run is over."""
        return sorted((call for calls in self._by_caller for call in calls), key=_made_at)

    def calls(self, since: float | None = None, until: float = math.inf, caller: int | None = None) -> Sequence[Made]:
        since = self.scenario.counted_from_seconds if since is None else since
        of = self.all_calls if caller is None else self._by_caller[caller]
        return [call for call in of if since <= call.made_at_seconds < until]

    def seconds(self, share: float, since: float | None = None, until: float = math.inf) -> float:
        """The quantile of what calls took; a failed one took for ever."""
        taken = sorted(map(_seconds, self.calls(since, until)))
        return taken[min(len(taken) - 1, int(share * len(taken)))] if taken else 0.0

    def failed(self) -> int:
        return sum(call.error is not None for call in self.calls())

    def first_share(
        self, prefix: str, since: float | None = None, until: float = math.inf, caller: int | None = None
    ) -> float:
        """Of calls whose first attempt went to a node whose name begins so."""
        calls = self.calls(since, until, caller)
        return sum(call.first_node.startswith(prefix) for call in calls) / max(1, len(calls))

    def sent_share(self, node: str, since: float, until: float) -> float:
        """Of all attempts of that time."""
        sent = [to for call in self.all_calls for at, to in call.sent if since <= at < until]
        return sent.count(node) / max(1, len(sent))

    def extra_share(self, since: float | None = None) -> float:
        """Attempts beyond one for each call."""
        calls = self.calls(since)
        return sum(len(call.sent) for call in calls) / max(1, len(calls)) - 1

    def in_flight_deviation(self, region: str) -> float:
        """How much the load of a node differs from time to time, mean over the nodes."""
        return fmean(pstdev(seen) for name, seen in self.in_system.items() if name.startswith(f"{region}-"))


def _made_at(call: Made) -> float:
    return call.made_at_seconds


def _seconds(call: Made) -> float:
    if call.error is not None or call.done_at_seconds is None:
        return math.inf
    return call.done_at_seconds - call.made_at_seconds
