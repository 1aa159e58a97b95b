"""uvicorn's HTTP protocol with bounds: on the head of a request, on the time it takes, on bodies nobody wants.

uvicorn bounds none of these with its fast parser. What breaks a bound is answered in the same shape as any other
error, and so is what is not HTTP at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any, Literal, TypeAlias

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from andromeda.config import Limits
from andromeda.errors import RETRY_AFTER_SECONDS, error_body, http_code
from andromeda.metrics import EdgeMetrics
from andromeda.round_trips import RoundTripBook

Refusal: TypeAlias = Literal[400, 408, 413, 414, 429, 431]
REFUSALS: Mapping[Refusal, str] = {
    400: "this is not HTTP as we know it",
    408: "the request took too long to arrive",
    413: "the body is too large",
    414: "the address is too long",
    429: "too many connections; try again shortly",
    431: "the headers are too large",
}


Part: TypeAlias = Literal["between", "head", "body"]
"""Of a request: what of it we are reading."""


LINGER_SECONDS = 1.0
"""Time for a client to read what we said before we stop listening to it."""


class OutOfBoundsError(Exception):
    """Raised inside the parser's callbacks to stop it."""


class BoundedProtocol(HttpToolsProtocol):
    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        limits: Limits,
        metrics: EdgeMetrics,
        round_trips: RoundTripBook,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits = limits
        self._metrics = metrics
        self._round_trips = round_trips
        self._part: Part = "between"
        self._head_bytes = 0
        self._body_bytes = 0
        self._cause: Refusal = 400
        self._closing_with: Refusal | Literal["nothing"] | None = None
        self._heard_all = False
        self._lingering = False
        self._timer: asyncio.TimerHandle | None = None
        """Of the head that is awaited, later of the end of the connection."""

    # What the transport tells.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._round_trips.measure(transport)
        if len(self.connections) > self._limits.connections:
            self._close_with(429)
        else:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._closing_with is not None:
            return
        super().data_received(data)
        if self._closing_with is not None:
            return
        if self._part == "head":
            self._await_head()
            self._count_head(len(data))
        elif self._answered and self.cycle is not None and self.timeout_keep_alive_task is None:
            self._await_next()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Whoever has said all he wants to say still gets his answer: True keeps our side open for it."""
        self._heard_all = True
        if self._lingering:
            self.transport.close()
        else:
            self._close_with(400 if self._part == "head" else "nothing")
        return True

    # What the parser tells.

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._part = "head"
        self._head_bytes = self._body_bytes = 0

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > self._limits.url_bytes:
            self._stop(414)

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._head_bytes += len(name) + len(value)
        if len(self.headers) > self._limits.headers or self._head_bytes > self._limits.head_bytes:
            self._stop(431)

    def on_headers_complete(self) -> None:
        self._cancel_timer()
        super().on_headers_complete()
        self._part = "body"

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._body_bytes > self._limits.discarded_body_bytes:
            self._stop(413)
        super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._part = "between"

    # What uvicorn makes of it.

    def send_400_response(self, msg: str) -> None:
        """The parser stopped. Whose body is at fault has his answer, or will get it: the routes want no body."""
        self._close_with("nothing" if self._part == "body" else self._cause)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._closing_with is not None:
            self._close_with(self._closing_with)

    def _unsupported_upgrade_warning(self) -> None:
        """A client may ask for an upgrade and not get one; that is no concern of ours."""

    # What we make of it.

    @property
    def _answered(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _count_head(self, received_bytes: int) -> None:
        """The parser tells of a header once it is complete, so an endless one is only seen here."""
        self._head_bytes += received_bytes
        if self._head_bytes > 2 * self._limits.head_bytes:
            self._close_with(431)

    def _stop(self, status: Refusal) -> None:
        self._cause = status
        raise OutOfBoundsError(REFUSALS[status])

    def _close_with(self, last_word: Refusal | Literal["nothing"]) -> None:
        """Requests that came before on this connection are answered first."""
        self._closing_with = last_word
        self._cancel_timer()
        if not self._answered or self.pipeline or self.transport.is_closing():
            return
        if last_word != "nothing":
            self.transport.write(refusal(last_word))
            self._metrics.refusals.labels(str(last_word)).inc()
        self._linger()

    def _linger(self) -> None:
        """Closing while the client still sends would reset the connection, and take our last word with it."""
        if self._heard_all or not self.transport.can_write_eof():
            self.transport.close()
        elif not self._lingering:
            self._lingering = True
            self.transport.write_eof()
            self._timer = self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def _await_head(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self._limits.head_timeout_seconds, self._head_timed_out)

    def _head_timed_out(self) -> None:
        self._timer = None
        self._close_with(408)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _await_next(self) -> None:
        """uvicorn forgets its keep-alive timer when the rest of a body follows the answer."""
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)


def bounded_protocol(limits: Limits, metrics: EdgeMetrics, round_trips: RoundTripBook) -> type[asyncio.Protocol]:
    """uvicorn asks for a class and calls it, which is all that is done with it."""
    return partial(BoundedProtocol, limits=limits, metrics=metrics, round_trips=round_trips)  # type: ignore[return-value]


def refusal(status: Refusal) -> bytes:
    code = "too_many" if status == 429 else http_code(status)
    body = error_body(code, REFUSALS[status])
    retry = b"retry-after: %d\r\n" % RETRY_AFTER_SECONDS if status == 429 else b""
    return b"".join(
        [
            STATUS_LINE[status],
            b"content-type: application/json\r\ncontent-length: %d\r\n" % len(body),
            b"cache-control: no-store\r\nx-content-type-options: nosniff\r\naccess-control-allow-origin: *\r\n",
            retry,
            b"connection: close\r\n\r\n",
            body,
        ]
    )
