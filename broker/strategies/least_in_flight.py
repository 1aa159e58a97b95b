"""The node with the fewest calls of this caller in flight; any of those that have as few."""

from __future__ import annotations

from collections.abc import Container, Sequence
from random import Random

from broker.discovery.registry import Endpoint
from broker.strategies.own_calls import OwnCalls
from broker.strategies.strategy import NOBODY, admitted


class LeastInFlight(OwnCalls):
    def __init__(self, random: Random) -> None:
        super().__init__()
        self._random = random

    def choose(
        self, candidates: Sequence[Endpoint], avoided: Container[str] = NOBODY, key: str | None = None
    ) -> Endpoint:
        fit = admitted(candidates, avoided)
        fewest = min(map(self.in_flight, fit))
        return self._random.choice([each for each in fit if self.in_flight(each) == fewest])
