"""Waiting a moment for the connection to come back, in place of failing at once.

A node that loses its hub is at the next one within a few round trips. Calls wait for that, so many at most and for no
longer than a user would not notice; everything else is refused while there is no connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from broker.clock import Clock

PATIENCE_SECONDS = 1.0
WAITING_MAX = 1_024
"""Calls. More would overwhelm the hub that they come to all at once."""


class Reconnection:
    def __init__(self, clock: Clock, connected: Callable[[], bool]) -> None:
        self._clock = clock
        self._connected = connected
        self._waiting: set[asyncio.Future[bool]] = set()
        self._over = False

    def back(self) -> None:
        self._answer_all(came_back=True)

    def over(self) -> None:
        """It will not come back: this node stops."""
        self._over = True
        self._answer_all(came_back=False)

    async def awaited(self, until_seconds: float) -> bool:
        """Whether there was none, and is one now."""
        seconds = min(PATIENCE_SECONDS, until_seconds - self._clock.now())
        if self._over or self._connected() or len(self._waiting) >= WAITING_MAX or seconds <= 0:
            return False
        came: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.add(came)
        timer = self._clock.call_later(seconds, partial(_answer, came, came_back=False))
        try:
            return await came
        finally:
            timer.cancel()
            self._waiting.discard(came)

    def _answer_all(self, *, came_back: bool) -> None:
        for waiting in self._waiting:
            _answer(waiting, came_back=came_back)


def _answer(waiting: asyncio.Future[bool], *, came_back: bool) -> None:
    if not waiting.done():
        waiting.set_result(came_back)
