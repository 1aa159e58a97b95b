"""The receiving end of a stream: in order, bounded, and never waited for in vain.

It tells a sender of ours how far it was read, so that no more is on its way than fits. A foreign sender cannot be told:
if it sends faster than its reader reads, the stream fails when the bound is reached, rather than fill the memory.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from broker.clock import Clock, Timer
from broker.stream_order import Ordering
from schema.errors import MeshError, TimedOut, TooMany

WINDOW_BYTES = 1024 * 1024
"""What may be on its way and unread, between nodes of ours: 80 Mbit/s at 100 ms of round trip."""
WINDOW_PARTS = 256
UNREAD_BYTES_MAX = 16 * 1024 * 1024
"""Of a sender that cannot be told to wait."""
CHECK_SECONDS = 5.0
"""A stream whose packets have a gap for so long is broken."""


class Part(NamedTuple):
    seq: int
    value: Any
    size_bytes: int
    last: bool = False
    error: MeshError | None = None


class Inflow:
    def __init__(
        self,
        clock: Clock,
        *,
        idle_seconds: float,
        report: Callable[[int, bool], None],
        ended: Callable[[], None],
    ) -> None:
        """`report` tells the sender the number of the last part that was read, and whether no more is wanted.
        `ended` is called once, when nothing more is expected."""
        self._clock = clock
        self._idle_seconds = idle_seconds
        self._report = report
        self._ended = ended
        self._order = Ordering[Part]()
        self._unread: deque[Part] = deque()
        self.unread_bytes = 0
        self._read_bytes = self._read_parts = 0
        """Since the last report."""
        self._failure: MeshError | None = None
        self._waiting: asyncio.Future[None] | None = None
        self._open = True
        self._touched_at_seconds = clock.now()
        self._gap = False
        self._timer: Timer = clock.call_later(CHECK_SECONDS, self._check)

    # --- what comes in --------------------------------------------------------------------------------------

    def take(self, part: Part) -> None:
        if not self._open:
            return
        self._touched_at_seconds = self._clock.now()
        try:
            parts = self._order.take(part.seq, part, part.size_bytes)
        except TooMany as error:
            self.fail(error)
            return
        for each in parts:
            self._keep(each)
        if self.unread_bytes > UNREAD_BYTES_MAX:
            self.fail(TooMany("the stream came faster than it was read"))
        self._wake()

    def fail(self, error: MeshError) -> None:
        """What was not read yet is dropped."""
        if self._open:
            self._failure = error
            self._drop()
            self._end()

    def _keep(self, part: Part) -> None:
        """The opening has number 0 and no value."""
        if part.seq > 0:
            self._unread.append(part)
            self.unread_bytes += part.size_bytes
        if part.last:
            self._end()

    def _check(self) -> None:
        idle = self._clock.now() - self._touched_at_seconds >= self._idle_seconds
        if idle or (self._gap and self._order.incomplete):
            self.fail(TimedOut("the stream stood still" if idle else "a part of the stream was lost"))
            return
        self._gap = self._order.incomplete
        self._timer = self._clock.call_later(CHECK_SECONDS, self._check)

    def _end(self) -> None:
        self._open = False
        self._timer.cancel()
        self._wake()
        self._ended()

    def _drop(self) -> None:
        self._unread.clear()
        self.unread_bytes = 0

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    # --- what is read ---------------------------------------------------------------------------------------

    def __aiter__(self) -> Inflow:
        return self

    async def __anext__(self) -> Any:
        while not self._unread:
            if self._failure is not None:
                raise self._failure
            if not self._open:
                raise StopAsyncIteration
            await self._arrival()
        part = self._unread.popleft()
        self.unread_bytes -= part.size_bytes
        if part.error is not None:
            raise part.error
        if part.last:
            raise StopAsyncIteration
        self._note_read(part)
        return part.value

    async def aclose(self) -> None:
        """The sender may stop."""
        self._drop()
        if self._open:
            self._end()
            self._report(0, True)

    async def _arrival(self) -> None:
        self._waiting = asyncio.get_running_loop().create_future()
        try:
            await self._waiting
        finally:
            self._waiting = None

    def _note_read(self, part: Part) -> None:
        self._touched_at_seconds = self._clock.now()
        self._read_bytes += part.size_bytes
        self._read_parts += 1
        if self._open and (self._read_bytes >= WINDOW_BYTES // 4 or self._read_parts >= WINDOW_PARTS // 4):
            self._read_bytes = self._read_parts = 0
            self._report(part.seq, False)
