"""Time for a simulation: it passes from one timer to the next, as fast as the code between them runs."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from itertools import count

TURNS = 6
"""Turns of the event loop that timers get: what wakes a task, and what that task begins, are over by then."""
TICK_SECONDS = 0.001
"""Timers this close to each other go off together, as they do in an event loop."""


class VirtualTimer:
    __slots__ = ("callback",)

    def __init__(self, callback: Callable[[], None] | None) -> None:
        self.callback = callback

    def cancel(self) -> None:
        self.callback = None


class VirtualTime:
    """A clock as the broker wants it."""

    def __init__(self) -> None:
        self._now_seconds = 0.0
        self._timers: list[tuple[float, int, VirtualTimer]] = []
        self._numbers = count()

    def now(self) -> float:
        return self._now_seconds

    def epoch_milliseconds(self) -> int:
        return int(self._now_seconds * 1000)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> VirtualTimer:
        timer = VirtualTimer(callback)
        heapq.heappush(self._timers, (self._now_seconds + seconds, next(self._numbers), timer))
        return timer

    async def pass_until(self, end_seconds: float) -> None:
        await _turns()
        while self._timers and self._timers[0][0] <= end_seconds:
            self._fire_until(min(end_seconds, self._timers[0][0] + TICK_SECONDS))
            await _turns()
        self._now_seconds = end_seconds

    def run_until(self, end_seconds: float) -> None:
        """For simulations without an event loop: each timer at its very time."""
        while self._timers and self._timers[0][0] <= end_seconds:
            self._fire_until(self._timers[0][0])
        self._now_seconds = end_seconds

    def _fire_until(self, end_seconds: float) -> None:
        while self._timers and self._timers[0][0] <= end_seconds:
            at_seconds, _, timer = heapq.heappop(self._timers)
            self._now_seconds = max(self._now_seconds, at_seconds)
            if timer.callback is not None:
                timer.callback()


async def _turns() -> None:
    for _ in range(TURNS):
        await asyncio.sleep(0)
