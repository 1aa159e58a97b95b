"""Peak EWMA with two choices, as Finagle and Linkerd balance: the less of `cost x (calls in flight + 1)`.

The cost follows a slow answer at once and forgets it over ten seconds. It has their known weakness as well: an answer
is an answer, so a node that fails fast looks fast; the cost of an idle node decays, so a far one comes to look near.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Sequence
from random import Random

from broker.discovery.registry import Endpoint
from broker.strategies.outcome import Outcome
from broker.strategies.own_calls import OwnCalls
from broker.strategies.strategy import NOBODY, admitted
from broker.wire.load import Load

TAU_SECONDS = 10.0
FIRST_SECONDS = 0.03
"""Linkerd's default for an endpoint that it knows nothing of."""
NODES_MAX = 4_096


class PeakEwma(OwnCalls):
    def __init__(self, now: Callable[[], float], random: Random) -> None:
        super().__init__()
        self._now = now
        self._random = random
        self._costs: dict[str, tuple[float, float]] = {}
        """Seconds, and when they were noted."""

    def choose(
        self, candidates: Sequence[Endpoint], avoided: Container[str] = NOBODY, key: str | None = None
    ) -> Endpoint:
        fit = admitted(candidates, avoided)
        return min(self._random.sample(fit, 2), key=self._load) if len(fit) > 1 else fit[0]

    def finished(self, endpoint: Endpoint, seconds: float, outcome: Outcome, load: Load | None = None) -> None:
        super().finished(endpoint, seconds, outcome, load)
        if outcome is not Outcome.ABANDONED:
            self._note(endpoint.node, seconds)

    def left(self, node: str) -> None:
        self._costs.pop(node, None)

    def _note(self, node: str, seconds: float) -> None:
        if node not in self._costs and len(self._costs) >= NODES_MAX:
            del self._costs[next(iter(self._costs))]
        cost, kept = self._decay(node)
        self._costs[node] = (max(seconds, cost * kept + seconds * (1 - kept)), self._now())

    def _decay(self, node: str) -> tuple[float, float]:
        """The cost as noted, and how much of it is kept by now."""
        now = self._now()
        cost, noted_at = self._costs.get(node, (FIRST_SECONDS, now))
        return cost, math.exp(-(now - noted_at) / TAU_SECONDS)

    def _load(self, endpoint: Endpoint) -> float:
        cost, kept = self._decay(endpoint.node)
        return cost * kept * (self.in_flight(endpoint) + 1)
