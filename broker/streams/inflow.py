"""The receiving end of a stream: in order, bounded, and never waited for in vain.

It tells a sender of ours how far it was read, so that no more is on its way than fits. A foreign sender cannot be told:
where such send faster than they are read, streams fail when the bound of all together is reached, rather than fill the
memory. Chunks are kept as they came, and made into bytes or values when they are read.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from broker.clock import Clock, Timer
from broker.streams.chunks import decode
from broker.streams.order import Ordering
from broker.wire.fields import BadPacket
from schema.errors import Invalid, MeshError, TimedOut, TooMany

WINDOW_BYTES = 1024 * 1024
"""What may be on its way and unread, between nodes of ours: 80 Mbit/s at 100 ms of round trip."""
WINDOW_PARTS = 256
UNREAD_BYTES_MAX = 64 * 1024 * 1024
"""Of all streams of a node together, as they came: as much as a server keeps for one connection."""
PAUSE_BYTES = 128 * 1024
PAUSE_TURNS = 8
"""After so many bytes were read, other work has so many turns of the event loop."""


CHECK_SECONDS = 5.0
"""A stream that is seen twice with the same gap is broken."""


class Part(NamedTuple):
    seq: int
    value: Any
    size_bytes: int
    objects: bool = False
    last: bool = False
    error: MeshError | None = None


class Room:
    """For what was not read yet, shared by all streams of a node."""

    def __init__(self, size_bytes: int = UNREAD_BYTES_MAX) -> None:
        self.free_bytes = size_bytes


class Inflow:
    def __init__(
        self,
        clock: Clock,
        *,
        room: Room,
        idle_seconds: float,
        report: Callable[[int, bool], None],
        ended: Callable[[], None],
    ) -> None:
        """`report` tells the sender the number of the last part that was read, and whether no more is wanted.
        `ended` is called once, when nothing more is expected."""
        self._clock = clock
        self._room = room
        self._idle_seconds = idle_seconds
        self._report = report
        self._ended = ended
        self._order = Ordering[Part]()
        self._unread: deque[Part] = deque()
        self.unread_bytes = 0
        self._read_bytes = self._read_parts = 0
        """Since the last report."""
        self._read_at_once_bytes = 0
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
        if self._room.free_bytes < 0:
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
            self._hold(part.size_bytes)
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
        self._hold(-self.unread_bytes)

    def __del__(self) -> None:
        """Whoever forgets a stream that has come in whole leaves its room to others."""
        self._room.free_bytes += self.unread_bytes

    def _hold(self, size_bytes: int) -> None:
        self.unread_bytes += size_bytes
        self._room.free_bytes -= size_bytes

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    # --- what is read ---------------------------------------------------------------------------------------

    def __aiter__(self) -> Inflow:
        return self

    async def __anext__(self) -> Any:
        if self._read_at_once_bytes >= PAUSE_BYTES:
            await self._pause()
        while not self._unread:
            if self._failure is not None:
                raise self._failure
            if not self._open:
                raise StopAsyncIteration
            await self._arrival()
        return self._taken(self._unread.popleft())

    def _taken(self, part: Part) -> Any:
        self._hold(-part.size_bytes)
        if part.error is not None:
            raise part.error
        if part.last:
            raise StopAsyncIteration
        self._note_read(part)
        try:
            value = decode(part.value)
        except BadPacket as fault:
            raise self._unreadable(fault) from None
        return value.encode() if isinstance(value, str) and not part.objects else value

    def _unreadable(self, fault: BadPacket) -> Invalid:
        error = Invalid(str(fault))
        self.fail(error)
        return error

    async def aclose(self) -> None:
        """The sender may stop."""
        self._drop()
        if self._open:
            self._end()
            self._report(0, True)

    async def _pause(self) -> None:
        """What comes in is taken first, as far as there is room: left in the server, it would cost the connection."""
        self._read_at_once_bytes = 0
        for _ in range(PAUSE_TURNS):
            await asyncio.sleep(0)

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
        self._read_at_once_bytes += part.size_bytes
        if self._open and (self._read_bytes >= WINDOW_BYTES // 4 or self._read_parts >= WINDOW_PARTS // 4):
            self._read_bytes = self._read_parts = 0
            self._report(part.seq, False)
