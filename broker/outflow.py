"""The sending end of a stream: as fast as its receiver reads, and no faster.

A receiver of ours tells how far it has read. A foreign one does not: there the server sets the pace, by confirming each
window before the next one is sent.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from broker.clock import Clock
from broker.deadline import Deadline
from broker.dispatch import cut_off_at
from broker.inflow import WINDOW_BYTES, WINDOW_PARTS
from broker.wire_errors import INTERNAL_MESSAGE
from schema.errors import Internal, MeshError, TimedOut
from schema.stream import Stream

logger = logging.getLogger(__name__)


class Outflow:
    def __init__(self, clock: Clock, *, told: bool, flush: Callable[[], Awaitable[None]], idle_seconds: float) -> None:
        """`told`: the receiver tells how far it has read."""
        self._clock = clock
        self._told = told
        self._flush = flush
        self._idle_seconds = idle_seconds
        self._unread: deque[tuple[int, int]] = deque()
        """Numbers and sizes."""
        self.unread_bytes = 0
        self._progress = asyncio.Event()
        self.task: asyncio.Task[Any] | None = None

    async def sent(self, seq: int, size_bytes: int) -> None:
        """Returns when more may be sent. Raises `TimedOut` if the receiver does not read on."""
        self._unread.append((seq, size_bytes))
        self.unread_bytes += size_bytes
        if not self._full:
            return
        if self._told:
            await self._read_on()
        else:
            await self._flush()
            self.read(seq)

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

    async def _read_on(self) -> None:
        while self._full:
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
