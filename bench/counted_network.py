"""A NATS server reduced to what it is paid for: which subject goes to whom, and how much of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, TypeAlias

from bench.virtual_time import VirtualTime
from broker.clock import sleep
from broker.nats.settings import SETTLE_SECONDS
from broker.transport import NO_NATS_HEADERS, Delivery, Headers, Listener
from broker.wire.packets import Packet, decode
from broker.wire.topics import Kind, parse

LATENCY_SECONDS = 0.002
MAX_PAYLOAD_BYTES = 1024 * 1024

decoded = lru_cache(maxsize=16_384)(decode)
Receive: TypeAlias = Callable[[Any], None]
"""Takes packets of one kind."""
Recorded: TypeAlias = list[tuple[float, Delivery]]


@dataclass(slots=True)
class Amount:
    """What went into the server and what came out of it."""

    messages: int = 0
    bytes: int = 0
    deliveries: int = 0
    delivered_bytes: int = 0

    def note(self, size_bytes: int, receivers: int) -> None:
        self.messages += 1
        self.bytes += size_bytes
        self.deliveries += receivers
        self.delivered_bytes += size_bytes * receivers


@dataclass(slots=True)
class Traffic:
    by_kind: dict[Kind, Amount] = field(default_factory=lambda: defaultdict(Amount))

    def total(self, *kinds: Kind) -> Amount:
        """Of these kinds; of all without any."""
        chosen = [amount for kind, amount in self.by_kind.items() if not kinds or kind in kinds]
        return Amount(
            sum(amount.messages for amount in chosen),
            sum(amount.bytes for amount in chosen),
            sum(amount.deliveries for amount in chosen),
            sum(amount.delivered_bytes for amount in chosen),
        )


class CountedNetwork:
    """Packets are decoded once, whoever gets them; what one node costs is measured by `playback.py`."""

    def __init__(self, time: VirtualTime) -> None:
        self._time = time
        self._listening: dict[str, dict[str, Receive]] = defaultdict(dict)
        self.traffic = Traffic()
        self.deaf: set[str] = set()
        """Nodes that miss what is published now."""
        self.mute: set[str] = set()
        """Nodes of which nothing is heard."""
        self.tapped: str | None = None
        """The node of which it is recorded what it was sent, and when."""
        self.recorded: Recorded = []

    def transport(self, node: str) -> CountedTransport:
        return CountedTransport(self, self._time, node)

    def listen(self, subject: str, node: str, receive: Receive) -> None:
        self._listening[subject][node] = receive

    def carry(self, subject: str, payload: bytes) -> None:
        listening = self._listening[subject]
        receivers = [receive for node, receive in listening.items() if node not in self.deaf]
        topic = parse(subject)
        assert topic is not None, subject
        self.traffic.by_kind[topic.kind].note(len(payload), len(receivers))
        if self.tapped in listening:
            self.recorded.append((self._time.now() + LATENCY_SECONDS, Delivery(subject, payload)))
        if receivers:
            packet = decoded(topic.kind, payload)
            self._time.call_later(LATENCY_SECONDS, partial(_hand_over, receivers, packet))


class CountedTransport:
    """A transport whose connection is always there."""

    def __init__(self, network: CountedNetwork, time: VirtualTime, node: str) -> None:
        self._network = network
        self._time = time
        self._node = node
        self.connected = True
        self.max_payload_bytes = MAX_PAYLOAD_BYTES

    async def connect(self, name: str, listener: Listener) -> None:
        self.connected = True

    async def subscribe(self, subject: str, receive: Callable[[Delivery], None]) -> None:
        raise AssertionError("a simulated mesh listens for its nodes")

    async def publish(self, subject: str, payload: bytes, reply: str = "", headers: Headers = NO_NATS_HEADERS) -> None:
        if self._node not in self._network.mute:
            self._network.carry(subject, payload)

    async def flush(self) -> None:
        """Nothing waits."""

    async def settle(self) -> None:
        await sleep(self._time, SETTLE_SECONDS)

    async def close(self) -> None:
        self._network.mute.add(self._node)


def _hand_over(receivers: Iterable[Receive], packet: Packet) -> None:
    for receive in receivers:
        receive(packet)
