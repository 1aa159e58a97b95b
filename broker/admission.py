"""Bounded work: so many at once, so many waiting, and everybody else is refused at once."""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType

from broker.refusals import NodeFull


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

    async def __aenter__(self) -> None:
        if self.running < self._concurrency:
            self.running += 1
            return
        if len(self._waiting) >= self._queue_capacity:
            raise NodeFull("this node is full")
        await self._wait_for_turn()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    async def _wait_for_turn(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()
            else:
                self._waiting.remove(turn)
            raise

    def _leave(self) -> None:
        """Hand the place to whoever waits longest."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.running -= 1
