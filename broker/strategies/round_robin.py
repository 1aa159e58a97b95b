"""One after the other."""

from __future__ import annotations

from collections.abc import Container, Sequence

from broker.discovery.registry import CACHED_NAMES_MAX, Endpoint
from broker.strategies.strategy import NOBODY, Unheeding, admitted


class RoundRobin(Unheeding):
    def __init__(self) -> None:
        self._turns: dict[str, int] = {}
        """Of each action, so that two that take turns do not always hit the same nodes."""

    def choose(
        self, candidates: Sequence[Endpoint], avoided: Container[str] = NOBODY, key: str | None = None
    ) -> Endpoint:
        fit = admitted(candidates, avoided)
        action = candidates[0].action
        turn = self._turns.get(action, 0)
        if turn == 0 and len(self._turns) >= CACHED_NAMES_MAX:
            self._turns.clear()
        self._turns[action] = turn + 1
        return fit[turn % len(fit)]
