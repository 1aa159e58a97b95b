"""NATS behind the transport seam, by the client of its own project. All of that client's errors are translated here.

Its defaults are changed where they would hide an outage: a dead connection is noticed in seconds rather than minutes,
reconnecting never gives up and is jittered, and what cannot be sent now is refused rather than queued.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from random import Random, SystemRandom
from typing import Any

import nats
import nats.errors
from nats.aio.client import Client, Server
from nats.aio.msg import Msg

from broker.refusals import NotSent
from broker.transport import NO_NATS_HEADERS, Delivery, Headers, Listener, Receive
from schema.errors import Invalid

PING_SECONDS = 5
PINGS_UNANSWERED_MAX = 2
"""With the interval above, a connection whose other end vanished is given up after at most 15 s."""
CONNECT_TIMEOUT_SECONDS = 2
RECONNECT_SECONDS_MIN = 0.1
RECONNECT_SECONDS_MAX = 2.0
RECONNECT_DOUBLINGS_MAX = 10
SETTLE_SECONDS = 0.3
"""More than a round trip around the earth, and twice that between neighbouring continents."""
SUBSCRIPTION_MESSAGES_MAX = 65_536
SUBSCRIPTION_BYTES_MAX = 64 * 1024 * 1024
FLUSH_TIMEOUT_SECONDS = 2
NO_RESPONDERS = "503"
STATUS_HEADER = "Status"

logger = logging.getLogger(__name__)


class NatsTransport:
    def __init__(
        self, urls: Sequence[str], *, settle_seconds: float = SETTLE_SECONDS, random: Random | None = None
    ) -> None:
        self._urls = list(urls)
        self._settle_seconds = settle_seconds
        self._random = random or SystemRandom()
        self._closing = False
        self._client = Client()
        self._listener = Listener()
        self._last_trouble = ""

    @property
    def connected(self) -> bool:
        return self._client.is_connected

    @property
    def max_payload_bytes(self) -> int:
        return self._client.max_payload

    async def connect(self, name: str, listener: Listener) -> None:
        self._listener = listener
        await self._client.connect(
            self._urls,
            name=name,
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            reconnect_time_wait=RECONNECT_SECONDS_MAX,  # type: ignore[arg-type] # any number of seconds
            max_reconnect_attempts=-1,
            reconnect_to_server_handler=self._next_server,
            ping_interval=PING_SECONDS,
            max_outstanding_pings=PINGS_UNANSWERED_MAX,
            error_cb=self._trouble,
            disconnected_cb=self._disconnected,
            reconnected_cb=self._reconnected,
        )

    async def subscribe(self, subject: str, receive: Receive) -> None:
        await self._client.subscribe(
            subject,
            cb=_handing_to(receive),
            pending_msgs_limit=SUBSCRIPTION_MESSAGES_MAX,
            pending_bytes_limit=SUBSCRIPTION_BYTES_MAX,
        )

    async def publish(self, subject: str, payload: bytes, reply: str = "", headers: Headers = NO_NATS_HEADERS) -> None:
        if not self._client.is_connected:
            raise NotSent("not connected to the mesh")
        try:
            await self._client.publish(subject, payload, reply, headers=dict(headers) or None)
        except nats.errors.MaxPayloadError:
            limit_bytes = self._client.max_payload
            raise Invalid(f"{len(payload)} bytes are more than the {limit_bytes} that the mesh carries") from None
        except nats.errors.Error as error:
            raise NotSent(f"not sent: {error}") from error

    async def flush(self) -> None:
        if not self._client.is_connected:
            raise NotSent("not connected to the mesh")
        try:
            await self._client.flush(FLUSH_TIMEOUT_SECONDS)
        except nats.errors.Error as error:
            raise NotSent(f"not flushed: {error}") from error

    async def settle(self) -> None:
        await asyncio.sleep(self._settle_seconds)

    async def close(self) -> None:
        self._closing = True
        await self._client.close()

    def _next_server(self, servers: list[Server], server_info: dict[str, Any]) -> tuple[Server, float]:
        """The one that failed least often, after a pause that grows with its failures."""
        fewest = min(server.reconnects for server in servers)
        doublings = min(fewest, RECONNECT_DOUBLINGS_MAX)
        pause_seconds = min(RECONNECT_SECONDS_MAX, RECONNECT_SECONDS_MIN * 2**doublings)
        candidates = [server for server in servers if server.reconnects == fewest]
        return self._random.choice(candidates), pause_seconds * self._random.uniform(0.5, 1.0)

    async def _trouble(self, error: Exception) -> None:
        """Each new kind of trouble is logged once until the connection is back."""
        if isinstance(error, nats.errors.SlowConsumerError):
            self._listener.missed()
        trouble = f"{type(error).__name__}: {error}"
        if trouble != self._last_trouble:
            self._last_trouble = trouble
            logger.warning("connection to the mesh: %s", trouble)

    async def _disconnected(self) -> None:
        if self._closing:
            return
        logger.warning("disconnected from the mesh")
        self._listener.disconnected()

    async def _reconnected(self) -> None:
        self._last_trouble = ""
        logger.warning("reconnected to the mesh")
        self._listener.reconnected()


def _handing_to(receive: Receive) -> Callable[[Msg], Awaitable[None]]:
    async def hand_over(message: Msg) -> None:
        headers = message.headers
        unheard = headers is not None and headers.get(STATUS_HEADER) == NO_RESPONDERS
        receive(Delivery(message.subject, message.data, unheard, headers or NO_NATS_HEADERS))

    return hand_over
