"""Fakes that behave: a network in memory with a transport's semantics, and a clock that tests move.

    network = MemoryNetwork()
    west = Broker(BrokerConfig(region="west", node="messier-west-1"), network.transport())

Several brokers on one network form a mesh in one process.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from itertools import count

from broker.refusals import NotSent
from broker.transport import NO_NATS_HEADERS, Delivery, Headers, Listener, Receive
from schema.errors import Invalid

MAX_PAYLOAD_BYTES = 8 * 1024 * 1024
TURNS_PER_STEP = 20
"""Turns of the event loop given to whatever a moment's timers have set off."""


class MemoryNetwork:
    """Delivers in order, each message in its own turn of the event loop."""

    def __init__(self, max_payload_bytes: int = MAX_PAYLOAD_BYTES) -> None:
        self.max_payload_bytes = max_payload_bytes
        self._transports: list[MemoryTransport] = []
        self._severed: set[frozenset[int]] = set()

    def transport(self) -> MemoryTransport:
        transport = MemoryTransport(self)
        self._transports.append(transport)
        return transport

    def sever(self, one: MemoryTransport, other: MemoryTransport) -> None:
        """Both stay connected, but hear nothing of each other: a gateway between them is down."""
        self._severed.add(frozenset((id(one), id(other))))

    def mend(self) -> None:
        self._severed.clear()

    def carry(self, sender: MemoryTransport, delivery: Delivery, reply: str) -> None:
        heard = False
        for transport in self._transports:
            if frozenset((id(sender), id(transport))) not in self._severed:
                heard |= transport.deliver(delivery)
        if reply and not heard:
            sender.deliver(Delivery(reply, b"", unheard=True))


class MemoryTransport:
    def __init__(self, network: MemoryNetwork) -> None:
        self._network = network
        self._listener = Listener()
        self._receivers: dict[str, list[Receive]] = {}
        self.connected = False

    @property
    def max_payload_bytes(self) -> int:
        return self._network.max_payload_bytes

    async def connect(self, name: str, listener: Listener) -> None:
        self._listener = listener
        self.connected = True

    async def subscribe(self, subject: str, receive: Receive) -> None:
        self._receivers.setdefault(subject, []).append(receive)

    async def publish(self, subject: str, payload: bytes, reply: str = "", headers: Headers = NO_NATS_HEADERS) -> None:
        if not self.connected:
            raise NotSent("not connected to the mesh")
        if len(payload) > self.max_payload_bytes:
            raise Invalid(f"{len(payload)} bytes are more than the {self.max_payload_bytes} that the mesh carries")
        self._network.carry(self, Delivery(subject, payload, headers=headers), reply)

    async def flush(self) -> None:
        if not self.connected:
            raise NotSent("not connected to the mesh")
        await asyncio.sleep(0)

    async def settle(self) -> None:
        await settled()

    async def close(self) -> None:
        self.connected = False
        self._receivers.clear()

    def cut(self) -> None:
        """The connection is lost: what others publish meanwhile is missed."""
        self.connected = False
        self._listener.disconnected()

    def restore(self) -> None:
        self.connected = True
        self._listener.reconnected()

    def deliver(self, delivery: Delivery) -> bool:
        """Whether anybody listens."""
        if not self.connected:
            return False
        receivers = [*self._receivers.get(delivery.subject, ()), *self._receivers.get(_parent(delivery.subject), ())]
        for receive in receivers:
            asyncio.get_running_loop().call_soon(self._hand_over, receive, delivery)
        return bool(receivers)

    def _hand_over(self, receive: Receive, delivery: Delivery) -> None:
        if self.connected:
            receive(delivery)


def _parent(subject: str) -> str:
    return f"{subject.rpartition('.')[0]}.*"


class FakeTimer:
    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class FakeClock:
    """Time stands still until a test moves it."""

    def __init__(self, start_seconds: float = 1_000.0) -> None:
        self._now_seconds = start_seconds
        self._timers: list[tuple[float, int, FakeTimer]] = []
        self._numbers = count()

    def now(self) -> float:
        return self._now_seconds

    def epoch_milliseconds(self) -> int:
        return int(self._now_seconds * 1000)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> FakeTimer:
        timer = FakeTimer(callback)
        heapq.heappush(self._timers, (self._now_seconds + seconds, next(self._numbers), timer))
        return timer

    async def advance(self, seconds: float) -> None:
        """Let this much time pass, timer by timer, and what each sets off happen."""
        end_seconds = self._now_seconds + seconds
        await settled()
        while self._timers and self._timers[0][0] <= end_seconds:
            at_seconds, _, timer = heapq.heappop(self._timers)
            self._now_seconds = max(self._now_seconds, at_seconds)
            if not timer.cancelled:
                timer.callback()
                await settled()
        self._now_seconds = end_seconds


async def settled() -> None:
    """Let everything that is ready to run, run."""
    for _ in range(TURNS_PER_STEP):
        await asyncio.sleep(0)
