"""What an action's work usually takes. A node's slowness is told against it, so that one figure for a node serves all
of its actions, and a node that was never asked is taken for a usual one.

It changes slowly on purpose: when the nodes that get the calls become slow, they must look slow, and not usual.
"""

from __future__ import annotations

from broker.discovery.registry import CACHED_NAMES_MAX

FIRST_SECONDS = 0.01
"""Of an action that was never called."""
MEMORY_SECONDS = 60.0
"""A plain mean over the first minute; from then on an average that forgets over as long."""
SECONDS_MIN = 0.0001
"""So that nothing is divided by zero: faster work is not told apart."""


class Usual:
    __slots__ = ("_noted_at_seconds", "_samples", "seconds")

    def __init__(self) -> None:
        self.seconds = FIRST_SECONDS
        self._samples = 0
        self._noted_at_seconds = 0.0

    def note(self, seconds: float, now_seconds: float) -> None:
        self._samples += 1
        weight = min(1.0, max(1 / self._samples, (now_seconds - self._noted_at_seconds) / MEMORY_SECONDS))
        self._noted_at_seconds = now_seconds
        self.seconds = max(SECONDS_MIN, self.seconds + weight * (seconds - self.seconds))


class ServiceTimes:
    def __init__(self) -> None:
        self._usual: dict[str, Usual] = {}

    def usual(self, action: str) -> Usual:
        usual = self._usual.get(action)
        if usual is None:
            if len(self._usual) >= CACHED_NAMES_MAX:
                del self._usual[next(iter(self._usual))]
            usual = self._usual[action] = Usual()
        return usual
