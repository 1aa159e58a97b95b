"""Any node."""

from __future__ import annotations

from collections.abc import Container, Sequence
from random import Random

from broker.discovery.registry import Endpoint
from broker.strategies.strategy import NOBODY, Unheeding, admitted


class RandomChoice(Unheeding):
    def __init__(self, random: Random) -> None:
        self._random = random

    def choose(
        self, candidates: Sequence[Endpoint], avoided: Container[str] = NOBODY, key: str | None = None
    ) -> Endpoint:
        return self._random.choice(admitted(candidates, avoided))
