"""One connection to one server: bytes in, bytes out, and why it ended.

What is published during one turn of the event loop is written at its end, in one piece. What waits to be written is
bounded: beyond the bound the connection is congested, and publishers wait or are refused. What comes in is handed over
piece by piece, a piece a turn: answers to the first messages leave while the next are looked at.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import cast

from broker.clock import Clock
from broker.nats import lines as nats_lines
from broker.nats.doubt import Doubt
from broker.nats.faults import Fault, Faults
from broker.nats.info import ServerInfo, read_info
from broker.nats.parser import Arrived, BadProtocol, Parser
from broker.nats.pings import Pings
from broker.nats.servers import Server
from broker.nats.settings import NatsSettings
from schema.errors import TimedOut

COMPLAINTS_MAX = 16
WRITE_AT_ONCE_BYTES = 256 * 1024
"""So much is worth a write of its own, which also shows at once whether the server still takes it."""
READ_AT_ONCE_BYTES = 16 * 1024
"""Half a hundred small messages: enough to share the cost of a turn, and soon over."""
UNREAD_BYTES_MAX = 1024 * 1024
"""With so much still to be handed over, the server's turn is to wait."""


class Connection(asyncio.Protocol):
    def __init__(self, server: Server, settings: NatsSettings, clock: Clock, faults: Faults, arrived: Arrived) -> None:
        self._loop = asyncio.get_running_loop()
        self.server = server
        self.info = ServerInfo()
        self.first_info: asyncio.Future[ServerInfo] = self._loop.create_future()
        self.on_later_info: Callable[[ServerInfo], None] = lambda info: None
        self.complaints: list[Fault] = []
        self.lost: asyncio.Future[str] = self._loop.create_future()
        """Why, once it is lost."""
        self.open = False
        self.secured = False
        """By TLS."""
        self.sendable = False
        """Open and not congested."""
        self.ready = asyncio.Event()
        """Sendable again, or lost."""
        self.parser = Parser(self, arrived)
        self._settings = settings
        self._faults = faults
        self._transport: asyncio.Transport | None = None
        self._parts: list[bytes] = []
        self._parts_bytes = 0
        self._unread = b""
        self._unread_at = 0
        self._why_lost = ""
        self._pings = Pings(
            clock,
            every_seconds=settings.ping_seconds,
            patience_seconds=settings.pong_seconds,
            send=lambda: self.write(nats_lines.PING),
            on_silence=lambda: self.abort("the server does not answer any more"),
        )
        self._doubt = Doubt(
            clock,
            ask=self._pings.ask,
            on_silence=lambda: self.abort("the server answers nothing"),
        )

    @property
    def name(self) -> str:
        return f"{self.info.server_name} at {self.server}" if self.info.server_name else str(self.server)

    # --- what goes out --------------------------------------------------------------------------------------

    def publish(self, subject: str, reply: str, header: bytes, payload: bytes) -> None:
        line = nats_lines.publication(subject, reply, header, len(payload))
        parts = self._parts
        if not parts:
            self._loop.call_soon(self._write_out)
        parts += (line, payload, nats_lines.END)
        self._parts_bytes += len(payload)
        if self._parts_bytes > WRITE_AT_ONCE_BYTES:
            self._write_out()

    def write(self, data: bytes) -> None:
        if not self._parts:
            self._loop.call_soon(self._write_out)
        self._parts.append(data)

    async def flush(self, seconds: float) -> None:
        """Returns when the server has read all of it. Raises `NotSent`, `TimedOut`."""
        try:
            async with asyncio.timeout(seconds):
                await self._pings.ask()
        except TimeoutError:
            raise TimedOut(f"{self.name} did not answer within {seconds} s") from None

    def doubt(self) -> None:
        """Somebody waits for too long: is the server there?"""
        if self.open:
            self._doubt.begin()

    def _write_out(self) -> None:
        if self._parts and self._transport is not None and self.open:
            self._transport.write(b"".join(self._parts))
        self._parts.clear()
        self._parts_bytes = 0

    # --- its life -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._use(cast(asyncio.Transport, transport))
        self.open = True
        self.resume_writing()

    def _use(self, transport: asyncio.Transport) -> None:
        transport.set_write_buffer_limits(high=self._settings.write_buffer_bytes)
        self._transport = transport
        self.secured = transport.get_extra_info("ssl_object") is not None

    async def secure(self, context: ssl.SSLContext) -> None:
        """From now on by TLS."""
        assert self._transport is not None
        secured = await self._loop.start_tls(self._transport, self, context, server_hostname=self.server.certified_name)
        if secured is None:
            raise ConnectionResetError("lost during the TLS handshake")
        self._use(secured)

    def begin_pings(self) -> None:
        self._pings.begin()

    def close(self, reason: str = "closed") -> None:
        """What was published before is still written."""
        self._write_out()
        self._end(reason)
        if self._transport is not None:
            self._transport.close()

    async def closed(self, seconds: float) -> None:
        """Close, and wait for it at most so long."""
        self.close()
        if not (await asyncio.wait({self.lost}, timeout=seconds))[0]:
            self.abort("did not close in time")

    def abort(self, reason: str) -> None:
        self._end(reason)
        if self._transport is not None:
            self._transport.abort()

    def _end(self, reason: str) -> None:
        self._why_lost = self._why_lost or reason
        self.open = self.sendable = False
        self.ready.set()
        self._pings.end(self._why_lost)
        self._doubt.end()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._unread:
            self._feed(self._unread[self._unread_at :])
            self._unread = b""
        complaint = f"the server says: {self.complaints[-1]}" if self.complaints else ""
        self._end(complaint or (str(exc) if exc else "the server closed the connection"))
        if not self.lost.done():
            self.lost.set_result(self._why_lost)

    def pause_writing(self) -> None:
        self.sendable = False
        self.ready.clear()

    def resume_writing(self) -> None:
        self.sendable = self.open
        self.ready.set()

    # --- what comes in --------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        self._doubt.silent = False
        if not self._unread and len(data) <= READ_AT_ONCE_BYTES:
            self._feed(data)
            return
        idle = not self._unread
        self._unread, self._unread_at = self._unread[self._unread_at :] + data, 0
        if len(self._unread) > UNREAD_BYTES_MAX and self._transport is not None:
            self._transport.pause_reading()
        if idle:
            self._read_on()

    def _read_on(self) -> None:
        """The next piece. A large message is gathered in as many turns as it came in."""
        if not self._unread:
            return
        begin, end = self._unread_at, self._unread_at + max(READ_AT_ONCE_BYTES, self.parser.missing_bytes)
        piece = self._unread[begin:end]
        if end < len(self._unread):
            self._unread_at = end
            self._loop.call_soon(self._read_on)
        else:
            self._unread = b""
            if self._transport is not None and not self._transport.is_closing():
                self._transport.resume_reading()
        self._feed(piece)

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed(data)
        except BadProtocol as error:
            self._faults.note(self.name, f"parser error: {error}")
            self._unread = b""
            self.abort(str(error))

    def on_info(self, text: bytes) -> None:
        self.info = read_info(text)
        if self.first_info.done():
            self.on_later_info(self.info)
        else:
            self.first_info.set_result(self.info)

    def on_ping(self) -> None:
        self.write(nats_lines.PONG)

    def on_pong(self) -> None:
        self._pings.answered()

    def on_error(self, message: str) -> None:
        fault = self._faults.note(self.name, message)
        if fault is not Fault.FORBIDDEN and len(self.complaints) < COMPLAINTS_MAX:
            self.complaints.append(fault)
