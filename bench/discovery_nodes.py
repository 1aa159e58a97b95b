"""The two contenders as nodes of a simulated mesh: ours is the broker's own code, the other Moleculer's rules written
down anew over the same packets and the same registry, so that what differs is the rules alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Protocol, TypeAlias

import orjson

from bench.counted_network import CountedNetwork
from bench.virtual_time import VirtualTime
from broker.clock import sleep
from broker.config import BrokerConfig
from broker.discovery.discovery import Discovery
from broker.discovery.pinging import Pinging
from broker.discovery.registry import Registry
from broker.strategies.latency import Latency
from broker.tasks import Tasks
from broker.wire.node_info import ActionInfo, EventInfo, NodeInfo, ServiceInfo
from broker.wire.packets import Discover, Heartbeat, Info
from broker.wire.topics import Kind, Topics

Receivers: TypeAlias = Mapping[Kind, Callable[[Any], None]]

REGIONS = ("west", "central", "east")
ACTIONS_OF_SERVICE = 10
SERVICE_KINDS = 100
"""Several nodes serve each of them, as in a mesh with spare capacity."""


def services_of(number: int, actions: int) -> tuple[ServiceInfo, ...]:
    names = [f"service-{(number + offset) % SERVICE_KINDS:02}" for offset in range(actions // ACTIONS_OF_SERVICE)]
    return tuple(
        ServiceInfo(
            name,
            tuple(ActionInfo(f"{name}.action-{each}", each % 2 == 0) for each in range(ACTIONS_OF_SERVICE)),
            (EventInfo(f"{name}.changed", name),),
        )
        for name in names
    )


class SimulatedNode(Protocol):
    name: str
    registry: Registry

    @property
    def receivers(self) -> Receivers: ...

    async def start(self) -> None: ...

    async def offer(self, services: tuple[ServiceInfo, ...]) -> None: ...

    async def rejoin(self) -> None:
        """Its connection was lost and is back."""
        ...

    async def end(self) -> None:
        """What it does by itself."""
        ...


class Make(Protocol):
    def __call__(self, number: int, actions: int, time: VirtualTime, network: CountedNetwork) -> SimulatedNode: ...


class OurNode:
    """What `Broker` puts together of it: discovery, registry, pings."""

    def __init__(self, number: int, actions: int, time: VirtualTime, network: CountedNetwork) -> None:
        random, tasks = Random(number), Tasks()
        self._tasks = tasks
        region = REGIONS[number % len(REGIONS)]
        self.name = f"messier-{region}-{number}"
        self.registry = Registry()
        self._services = services_of(number, actions)
        self._transport, topics = network.transport(self.name), Topics()
        self._latency = Latency(time, self.name, "5")
        self._discovery = Discovery(
            BrokerConfig(region=region, node=self.name),
            f"{random.getrandbits(64):016x}",
            transport=self._transport,
            topics=topics,
            registry=self.registry,
            clock=time,
            random=random,
            tasks=tasks,
            observer=self,
        )
        self._pinging = Pinging(
            self.name,
            interval_seconds=1.0,
            timeout_seconds=15.0,
            latency=self._latency,
            transport=self._transport,
            topics=topics,
            registry=self.registry,
            clock=time,
            random=random,
            tasks=tasks,
            lose=self._discovery.lose,
        )

    @property
    def receivers(self) -> Receivers:
        return {
            Kind.INFO: self._discovery.receive_info,
            Kind.DISCOVER: self._discovery.receive_discover,
            Kind.HEARTBEAT: self._discovery.receive_heartbeat,
            Kind.DISCONNECT: self._discovery.receive_disconnect,
            Kind.PING: self._pinging.receive_ping,
            Kind.PONG: self._pinging.receive_pong,
        }

    async def start(self) -> None:
        await self._discovery.ask_everybody()
        await self._transport.settle()
        await self.offer(self._services)
        self._discovery.begin()
        self._pinging.begin()

    async def offer(self, services: tuple[ServiceInfo, ...]) -> None:
        await self._discovery.announce(services)

    async def rejoin(self) -> None:
        await self._discovery.rejoin()

    async def end(self) -> None:
        await self._tasks.cancel()

    def registry_changed(self) -> None:
        """Nobody waits for a service."""

    def node_joined(self, node: str) -> None:
        self._pinging.ping_soon(node)

    def node_gone(self, node: str) -> None:
        self._latency.forget(node)

    def events_missed(self) -> None:
        """Nothing is cached."""

    def impostor_found(self, info: NodeInfo) -> None:
        raise AssertionError(f"{info.node} is there twice")


class MoleculerNode:
    """As `transit.js` and `discoverers/base.js` of 0.15.2 have it: each question is answered at once and by itself, and
    a heartbeat says that a node lives, and nothing else."""

    STARTING_SECONDS = 0.5
    ANNOUNCING_SECONDS = 1.0
    HEARTBEAT_SECONDS = 10.0
    TIMEOUT_SECONDS = 30.0

    def __init__(self, number: int, actions: int, time: VirtualTime, network: CountedNetwork) -> None:
        self.name = f"messier-{REGIONS[number % len(REGIONS)]}-{number}"
        self.registry = Registry()
        self._services = services_of(number, actions)
        self._time, self._random, self._tasks = time, Random(number), Tasks()
        self._transport, self._topics = network.transport(self.name), Topics()
        instance = f"{self._random.getrandbits(64):016x}"
        self._info = NodeInfo(self.name, instance, 1, REGIONS[number % len(REGIONS)])
        self._encoded = b""
        self._ready = False

    @property
    def receivers(self) -> Receivers:
        return {
            Kind.INFO: self._receive_info,
            Kind.DISCOVER: self._receive_discover,
            Kind.HEARTBEAT: self._receive_heartbeat,
        }

    async def start(self) -> None:
        self._describe(())
        await self._ask_everybody()
        await sleep(self._time, self.STARTING_SECONDS)
        self._ready = True
        self._describe(self._services)
        self._tasks.spawn(self._beat_for_ever())
        self._tasks.spawn(self._check_for_ever())
        await sleep(self._time, self.ANNOUNCING_SECONDS)
        await self._tell_everybody()

    async def offer(self, services: tuple[ServiceInfo, ...]) -> None:
        self._describe(services)
        await sleep(self._time, self.ANNOUNCING_SECONDS)
        await self._tell_everybody()

    async def rejoin(self) -> None:
        await self._tell_everybody()
        await self._ask_everybody()

    async def end(self) -> None:
        await self._tasks.cancel()

    async def _ask_everybody(self) -> None:
        await self._transport.publish(self._topics.everybody(Kind.DISCOVER), Discover("5", self.name).encode())

    async def _tell_everybody(self) -> None:
        await self._transport.publish(self._topics.everybody(Kind.INFO), self._encoded)

    def _describe(self, services: tuple[ServiceInfo, ...]) -> None:
        self._info = self._info._replace(services=services, seq=self._info.seq + 1)
        self._encoded = Info("5", self._info).encode()
        self.registry.admit(self._info, self._time.now(), local=True)

    def _receive_info(self, packet: Info) -> None:
        if packet.info.node != self.name:
            self.registry.admit(packet.info, self._time.now())

    def _receive_discover(self, packet: Discover) -> None:
        if packet.sender != self.name and self._ready:
            subject = self._topics.of(Kind.INFO, packet.sender)
            self._tasks.spawn(self._transport.publish(subject, self._encoded))

    def _receive_heartbeat(self, packet: Heartbeat) -> None:
        known = self.registry.get(packet.sender)
        if known is not None and known.available:
            known.heard_at_seconds = self._time.now()
            return
        subject = self._topics.of(Kind.DISCOVER, packet.sender)
        self._tasks.spawn(self._transport.publish(subject, Discover("5", self.name).encode()))

    async def _beat_for_ever(self) -> None:
        seconds = self.HEARTBEAT_SECONDS + self._random.uniform(-0.5, 0.5)
        while True:
            await sleep(self._time, seconds)
            packet = {"ver": "5", "sender": self.name, "cpu": self._random.randrange(100)}
            await self._transport.publish(self._topics.everybody(Kind.HEARTBEAT), orjson.dumps(packet))

    async def _check_for_ever(self) -> None:
        while True:
            await sleep(self._time, self.TIMEOUT_SECONDS)
            for node in self.registry.silent(self._time.now(), self.TIMEOUT_SECONDS):
                self.registry.withdraw(node)
