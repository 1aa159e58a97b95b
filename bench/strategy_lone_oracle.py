"""What the only caller of real nodes could do at best: it is told what the laboratory knows of them, their places, what
work takes on average, which node breaks and when; the paths are what pings took before. Since nobody else calls, its
own calls in flight are all that are on their way to a node or there.

A call that was given up while its node works on it is not counted any more, as the caller cannot know when that ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from random import Random

from bench.strategy_oracle import expected_seconds
from broker.discovery.registry import Endpoint
from broker.strategies.outcome import Outcome
from broker.strategies.strategy import NOBODY, Unheeding, admitted
from broker.wire.load import Load


class LoneOracle(Unheeding):
    def __init__(
        self,
        *,
        concurrency: Mapping[str, int],
        work_seconds: float,
        is_well: Callable[[str], bool],
        random: Random,
    ) -> None:
        """`concurrency`: of each node of a region. `is_well`: of a node, now."""
        self.path_seconds: Mapping[str, float] = {}
        """To each region; until it is told, all are as near."""
        self._concurrency = concurrency
        self._work_seconds = work_seconds
        self._is_well = is_well
        self._random = random
        self._in_flight: Counter[str] = Counter()

    def choose(
        self, candidates: Sequence[Endpoint], avoided: Container[str] = NOBODY, key: str | None = None
    ) -> Endpoint:
        return min(admitted(candidates, avoided), key=self._rank)

    def _rank(self, endpoint: Endpoint) -> tuple[bool, float, float, float]:
        in_system, concurrency = self._in_flight[endpoint.node], self._concurrency[endpoint.region]
        path_seconds = self.path_seconds.get(endpoint.region, 0.0)
        seconds = expected_seconds(path_seconds, self._work_seconds, in_system, concurrency)
        return not self._is_well(endpoint.node), seconds, in_system / concurrency, self._random.random()

    def started(self, endpoint: Endpoint) -> None:
        self._in_flight[endpoint.node] += 1

    def finished(self, endpoint: Endpoint, seconds: float, outcome: Outcome, load: Load | None = None) -> None:
        self._in_flight[endpoint.node] -= 1
