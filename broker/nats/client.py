"""NATS behind the transport seam, by a client made for the mesh's data path: what nodes say to each other.

Publishing and receiving cost little beyond the bytes themselves: there are no inboxes (the mesh has its own table of
pending calls), no queue and no task a subscription, and no wait for each write. It never gives up reconnecting, says at
once when something cannot be sent, and leaves a server that is about to stop without losing a message.
"""

from __future__ import annotations

import asyncio
import contextlib
from random import Random, SystemRandom

from broker.clock import Clock, SystemClock, sleep
from broker.nats import headers as nats_headers
from broker.nats import lines as nats_lines
from broker.nats.connection import Connection
from broker.nats.dial import Dialer
from broker.nats.faults import Faults
from broker.nats.headers import says_no_responders
from broker.nats.link import Link
from broker.nats.servers import Servers
from broker.nats.settings import NatsSettings
from broker.nats.subscriptions import Subscriptions, Take
from broker.refusals import NotSent
from broker.transport import NO_NATS_HEADERS, Delivery, Headers, Listener, Receive
from schema.errors import Invalid, MeshError

MAX_PAYLOAD_BYTES_DEFAULT = 1024 * 1024
"""Until a server has said what it accepts: what NATS accepts by default."""


class NatsClient:
    def __init__(self, settings: NatsSettings, *, clock: Clock | None = None, random: Random | None = None) -> None:
        clock, random = clock or SystemClock(), random or SystemRandom()
        servers = Servers(settings.urls, settings.home_urls, random)
        self.faults = Faults()
        self._settings = settings
        self._clock = clock
        self._subscriptions = Subscriptions(self.faults)
        self._dialer = Dialer(settings, servers, clock, random, self.faults, self._subscriptions.arrived)
        self._link = Link(
            settings,
            servers=servers,
            dialer=self._dialer,
            subscriptions=self._subscriptions,
            clock=clock,
            random=random,
        )
        self._max_payload_bytes = MAX_PAYLOAD_BYTES_DEFAULT
        self._waiting = 0

    @property
    def connected(self) -> bool:
        return self._link.connection is not None and self._link.connection.open

    @property
    def server(self) -> str:
        """The one in use, for people; empty while there is none."""
        return self._link.connection.name if self._link.connection is not None else ""

    @property
    def moving(self) -> bool:
        """From one server to another, without being disconnected."""
        return self._link.moving

    @property
    def max_payload_bytes(self) -> int:
        if self._link.connection is not None:
            self._max_payload_bytes = self._link.connection.info.max_payload
        return self._max_payload_bytes

    async def connect(self, name: str, listener: Listener) -> None:
        self._dialer.name = name
        await self._link.connect(listener)

    async def subscribe(self, subject: str, receive: Receive, queue: str = "") -> None:
        def take(subject: str, reply: str, header: bytes, payload: bytes) -> None:
            if header:
                unheard = says_no_responders(header)
                receive(Delivery(subject, payload, unheard, nats_headers.decode(header).values))
            else:
                receive(Delivery(subject, payload))

        self.listen(subject, take, queue)

    def listen(self, subject: str, take: Take, queue: str = "") -> int:
        """With reply subjects and headers. The number is for `unlisten`."""
        subscription = self._subscriptions.add(subject, queue, take)
        self._link.write(subscription.line)
        return subscription.sid

    def unlisten(self, number: int) -> None:
        self._subscriptions.remove(number)
        self._link.write(nats_lines.unsubscribe(number))

    async def leave(self, *numbers: int) -> None:
        """`unlisten`, once what the server had sent before has come in and was taken."""
        if not numbers:
            return
        self._link.write(b"".join(map(nats_lines.unsubscribe, numbers)))
        with contextlib.suppress(MeshError):  # nothing comes any more from a server that is gone
            await self.flush()
        for number in numbers:
            self.unlisten(number)

    def post(self, subject: str, payload: bytes, reply: str = "", headers: Headers = NO_NATS_HEADERS) -> bool:
        connection = self._link.connection
        if connection is None or not connection.sendable:
            return False
        header = nats_headers.encode(headers) if headers else b""
        if len(payload) + len(header) > connection.info.max_payload:
            return False
        connection.publish(subject, reply, header, payload)
        return True

    async def publish(self, subject: str, payload: bytes, reply: str = "", headers: Headers = NO_NATS_HEADERS) -> None:
        """Waits a little if the server does not keep up; raises `NotSent` if it still does not, or if there is none."""
        connection = self._link.connection
        if connection is None or not connection.sendable:
            connection = await self._sendable()
        header = nats_headers.encode(headers) if headers else b""
        if len(payload) + len(header) > connection.info.max_payload:
            raise Invalid(f"{len(payload)} bytes are more than the {self.max_payload_bytes} that the mesh carries")
        connection.publish(subject, reply, header, payload)

    def doubt(self) -> None:
        if self._link.connection is not None:
            self._link.connection.doubt()

    async def flush(self) -> None:
        await self._open_connection().flush(self._settings.flush_seconds)

    async def settle(self) -> None:
        await sleep(self._clock, self._settings.settle_seconds)

    async def close(self) -> None:
        await self._link.close()

    def _open_connection(self) -> Connection:
        connection = self._link.connection
        if connection is None or not connection.open:
            raise NotSent("not connected to the mesh")
        return connection

    async def _sendable(self) -> Connection:
        connection = self._open_connection()
        if self._waiting >= self._settings.congested_publishers_max:
            raise NotSent("too many wait for the server to read on")
        self._waiting += 1
        try:
            async with asyncio.timeout(self._settings.congestion_seconds):
                await connection.ready.wait()
        except TimeoutError:
            raise NotSent(f"{connection.name} does not keep up") from None
        finally:
            self._waiting -= 1
        return self._open_connection()
