"""A node that just failed is left alone for a short while, as long as another can answer."""

from __future__ import annotations

from collections.abc import Sequence

from broker.clock import Clock
from broker.registry import Endpoint
from schema.errors import MeshError, TimedOut, Unavailable

EJECTED_MAX = 4_096


class Ejections:
    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._until_seconds: dict[str, float] = {}

    def note_failure(self, node: str, error: MeshError) -> None:
        """Only failures of the node itself count: a wrong request says nothing about who refuses it."""
        if isinstance(error, (Unavailable, TimedOut)) and len(self._until_seconds) < EJECTED_MAX:
            self._until_seconds[node] = self._clock.now() + self._seconds

    def note_success(self, node: str) -> None:
        if self._until_seconds:
            self._until_seconds.pop(node, None)

    def admitted(self, candidates: Sequence[Endpoint]) -> Sequence[Endpoint]:
        """Those that are not ejected; all of them if all are, since trying beats giving up."""
        if not self._until_seconds:
            return candidates
        now = self._clock.now()
        return [each for each in candidates if self._until_seconds.get(each.node, 0.0) <= now] or candidates
