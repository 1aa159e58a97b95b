"""One connection of an HTTP client, for one request at a time.

Ours rather than a library's for two reasons: a user must know how far a request came when its connection ended, since
that decides whether it may be asked again; and a crowd must cost less than what it loads.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple, Protocol, cast

import httptools

from lab.users.record import RESET, SILENT


class Answer(NamedTuple):
    """`stale`: it says that it may be outdated."""

    status: int
    stale: bool


class Failed(Exception):
    """An outcome of `record`. `begun`: a part of an answer had arrived."""

    def __init__(self, outcome: str, *, begun: bool = False) -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.begun = begun


class Connection(Protocol):
    address: str
    kept_until: float

    @property
    def usable(self) -> bool:
        """For one more request."""
        ...

    async def ask(self, request: bytes, seconds: float, *, begun_in_seconds: float | None = None) -> Answer:
        """Waits so long for all of the answer, and for the begin of it perhaps less. Raises `Failed`, and is not usable
        then."""
        ...

    def close(self) -> None: ...


class HttpConnection(asyncio.Protocol):
    def __init__(self, address: str) -> None:
        self.address = address
        self.kept_until = 0.0
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._begun = self._stale = self._over = False

    @property
    def usable(self) -> bool:
        return self._transport is not None and not self._over and self._answer is None

    async def ask(self, request: bytes, seconds: float, *, begun_in_seconds: float | None = None) -> Answer:
        if not self.usable or self._transport is None:
            raise Failed(RESET)
        loop = asyncio.get_running_loop()
        self._answer = loop.create_future()
        self._begun = self._stale = False
        self._transport.write(request)
        timers = [loop.call_later(seconds, self._fail, SILENT)]
        if begun_in_seconds is not None:
            timers.append(loop.call_later(begun_in_seconds, self._expect_begun))
        try:
            return await self._answer
        except asyncio.CancelledError:
            self.close()
            raise
        finally:
            for timer in timers:
                timer.cancel()
            self._answer = None

    def close(self) -> None:
        self._over = True
        if self._transport is not None:
            self._transport.abort()

    # What the transport tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none, and does the same

    def data_received(self, data: bytes) -> None:
        if self._answer is None:  # nobody asked: a last word before it is closed
            self.close()
            return
        self._begun = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail("not_http")

    def eof_received(self) -> None:
        self._fail(RESET)

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(RESET)

    # What the parser tells.

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"warning":
            self._stale = True

    def on_message_complete(self) -> None:
        if not self._parser.should_keep_alive():
            self.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(Answer(self._parser.get_status_code(), self._stale))

    def _expect_begun(self) -> None:
        if not self._begun:
            self._fail(SILENT)

    def _fail(self, outcome: str) -> None:
        self.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(Failed(outcome, begun=self._begun))
