"""Bounded work (a bulkhead): so many at once, so many waiting, and everybody else is refused at once.

A node has one for all that it serves. An action may have one of its own, so that a slow one cannot take every place:

    @action(SEARCH, bulkhead=Bulkhead(concurrency=4, queue_capacity=16))
"""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType
from typing import NamedTuple

from broker.refusals import NodeFull


class Bulkhead(NamedTuple):
    concurrency: int
    queue_capacity: int = 0


class Admission:
    """Used as `async with admission:`. Raises `NodeFull` when the queue is full."""

    def __init__(self, concurrency: int, queue_capacity: int) -> None:
        self._concurrency = concurrency
        self._queue_capacity = queue_capacity
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.running = 0

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def enter_at_once(self) -> bool:
        """Whether there was a free place; whoever got it calls `leave`."""
        if self.running >= self._concurrency:
            return False
        self.running += 1
        return True

    async def enter(self) -> None:
        if self.enter_at_once():
            return
        if len(self._waiting) >= self._queue_capacity:
            raise NodeFull("this node is full")
        await self._wait_for_turn()

    def leave(self) -> None:
        """Hand the place to whoever waits longest."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.running -= 1

    async def __aenter__(self) -> None:
        await self.enter()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    async def _wait_for_turn(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()
            elif turn in self._waiting:
                self._waiting.remove(turn)
            raise
