"""The sending end of a stream: as fast as its receiver reads, and no faster.

A receiver of ours tells how far it has read. A foreign one does not, but it answers a PING only when it has taken all
that came before: so its PONG tells nearly the same.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from broker.clock import Clock
from broker.policies.deadline import Deadline
from broker.policies.time_limit import cut_off_at
from broker.streams.inflow import WINDOW_BYTES, WINDOW_PARTS
from broker.wire.errors import INTERNAL_MESSAGE
from schema.errors import Internal, MeshError, TimedOut
from schema.stream import Stream

logger = logging.getLogger(__name__)


class Outflow:
    def __init__(self, clock: Clock, *, idle_seconds: float, ask: Callable[[int], Awaitable[None]] | None) -> None:
        """`ask` makes a receiver that does not tell by itself tell that it has come to this number."""
        self._clock = clock
        self._ask = ask
        self._idle_seconds = idle_seconds
        self._unread: deque[tuple[int, int]] = deque()
        """Numbers and sizes."""
        self.unread_bytes = 0
        self._not_asked_bytes = self._not_asked_parts = 0
        self._progress = asyncio.Event()
        self.task: asyncio.Task[Any] | None = None

    async def sent(self, seq: int, size_bytes: int) -> None:
        """Returns when more may be sent. Raises `TimedOut` if the receiver does not read on."""
        self._unread.append((seq, size_bytes))
        self.unread_bytes += size_bytes
        if self._ask is not None:
            await self._ask_at_times(self._ask, seq, size_bytes)
        while self._full:
            await self._moved()

    async def before_failure(self, seq: int) -> None:
        """A foreign receiver loses a failure that it takes in one piece with what came before."""
        if self._ask is not None and self._unread:
            await self._ask(seq)
            while self._unread:
                await self._moved()

    async def _ask_at_times(self, ask: Callable[[int], Awaitable[None]], seq: int, size_bytes: int) -> None:
        """As often as a receiver of ours tells."""
        self._not_asked_bytes += size_bytes
        self._not_asked_parts += 1
        if self._not_asked_bytes >= WINDOW_BYTES // 4 or self._not_asked_parts >= WINDOW_PARTS // 4:
            self._not_asked_bytes = self._not_asked_parts = 0
            await ask(seq)

    def read(self, seq: int) -> None:
        while self._unread and self._unread[0][0] <= seq:
            self.unread_bytes -= self._unread.popleft()[1]
        self._progress.set()

    def cancel(self) -> None:
        """The receiver wants no more, or is gone."""
        if self.task is not None:
            self.task.cancel()

    @property
    def _full(self) -> bool:
        return self.unread_bytes >= WINDOW_BYTES or len(self._unread) >= WINDOW_PARTS

    async def _moved(self) -> None:
        self._progress.clear()
        try:
            async with cut_off_at(Deadline.after(self._idle_seconds, self._clock)):
                await self._progress.wait()
        except TimeoutError:
            raise TimedOut("the stream is not read") from None


class Source:
    """A stream to send, of which the first chunk is known: it shows whether these are bytes."""

    def __init__(self, first: Any, rest: Stream[Any], *, empty: bool) -> None:
        self.first = first
        self._rest = rest
        self._empty = empty

    @classmethod
    async def of(cls, chunks: Stream[Any]) -> Source:
        """Raises whatever the chunks' maker raises before its first."""
        try:
            return cls(await anext(chunks), chunks, empty=False)
        except StopAsyncIteration:
            return cls(b"", chunks, empty=True)

    async def __aiter__(self) -> AsyncIterator[Any]:
        if not self._empty:
            yield self.first
            async for chunk in self._rest:
                yield chunk

    async def aclose(self) -> None:
        await self._rest.aclose()


async def first_chunk(stream: Stream[Any], deadline: Deadline) -> Source:
    """Raises `MeshError` only: until the first chunk, a failing stream is a failing call."""
    try:
        async with cut_off_at(deadline):
            return await Source.of(stream)
    except MeshError:
        raise
    except TimeoutError as error:
        if deadline.passed:
            raise TimedOut("the stream did not begin in time") from error
        raise _defect() from error
    except Exception as error:
        raise _defect() from error


def _defect() -> Internal:
    logger.exception("a stream failed before its first chunk")
    return Internal(INTERNAL_MESSAGE)
