"""Which node is pinged when, and what becomes of one that does not answer."""

from __future__ import annotations

from collections import Counter
from random import Random

from broker.discovery.pinging import JOINED_PINGED_MAX, Pinging
from broker.discovery.registry import Registry
from broker.strategies.latency import Latency
from broker.tasks import Tasks
from broker.testing import FakeClock, MemoryNetwork, settled
from broker.transport import Delivery, Listener
from broker.wire.node_info import NodeInfo
from broker.wire.packets import Pong
from broker.wire.topics import Kind, Topics

NODE = "own"
TIMEOUT_SECONDS = 15.0


class Mesh:
    """One node that pings, and others that answer unless they are mute."""

    def __init__(self, **nodes_of_region: int) -> None:
        self.clock, self.network, self.topics = FakeClock(), MemoryNetwork(), Topics()
        self.registry = Registry()
        self.pinged: Counter[str] = Counter()
        self.mute: set[str] = set()
        self.lost: list[str] = []
        self.nodes = [f"{region}-{number}" for region, count in nodes_of_region.items() for number in range(count)]
        self.latency = Latency(self.clock, NODE, "5")

    async def start(self) -> Pinging:
        self.transport, self._others = self.network.transport(), self.network.transport()
        await self.transport.connect(NODE, Listener())
        await self._others.connect("others", Listener())
        self.pinging = Pinging(
            NODE,
            interval_seconds=1.0,
            timeout_seconds=TIMEOUT_SECONDS,
            latency=self.latency,
            transport=self.transport,
            topics=self.topics,
            registry=self.registry,
            clock=self.clock,
            random=Random(1),
            tasks=Tasks(),
            lose=self._lose,
        )
        for node in self.nodes:
            self.registry.admit(NodeInfo(node, "1", 1, node.partition("-")[0]), self.clock.now())
            await self._others.subscribe(self.topics.of(Kind.PING, node), self._answer)
        self.pinging.begin()
        return self.pinging

    def _lose(self, node: str) -> None:
        self.lost.append(node)
        self.registry.withdraw(node)

    def _answer(self, delivery: Delivery) -> None:
        node = delivery.subject.rpartition(".")[2]
        self.pinged[node] += 1
        if node not in self.mute:
            self.pinging.receive_pong(Pong("5", node, f"{self.pinged.total():x}", 0, 0))


async def test_pings_one_node_a_second_and_all_in_turn() -> None:
    mesh = Mesh(west=5)
    await mesh.start()
    await mesh.clock.advance(10.5)
    assert 9 <= mesh.pinged.total() <= 11
    assert set(mesh.pinged) == set(mesh.nodes)
    assert max(mesh.pinged.values()) - min(mesh.pinged.values()) <= 1


async def test_pings_less_often_in_a_large_mesh() -> None:
    mesh = Mesh(west=500, east=500)
    await mesh.start()
    await mesh.clock.advance(105)
    assert 9 <= mesh.pinged.total() <= 11


async def test_pings_each_region_as_often_however_few_its_nodes_are() -> None:
    mesh = Mesh(west=50, east=1)
    await mesh.start()
    await mesh.clock.advance(40)
    assert 15 <= mesh.pinged["east-0"] <= 25


async def test_pings_nodes_that_join_at_once_but_not_a_thousand_of_them() -> None:
    mesh = Mesh(west=1_000)
    pinging = await mesh.start()
    for node in mesh.nodes:
        pinging.ping_soon(node)
    await settled()
    assert mesh.pinged.total() == JOINED_PINGED_MAX


async def test_loses_a_node_that_answers_no_ping_though_it_is_still_heard() -> None:
    mesh = Mesh(west=3)
    mesh.mute.add("west-1")
    await mesh.start()
    await mesh.clock.advance(TIMEOUT_SECONDS)
    assert mesh.lost == []
    await mesh.clock.advance(6)
    assert mesh.lost == ["west-1"]
    await mesh.clock.advance(60)
    assert mesh.lost == ["west-1"]


async def test_forgives_a_node_that_answers_late() -> None:
    mesh = Mesh(west=3)
    mesh.mute.add("west-1")
    await mesh.start()
    await mesh.clock.advance(TIMEOUT_SECONDS - 1)
    mesh.mute.clear()
    await mesh.clock.advance(60)
    assert mesh.lost == []


async def test_blames_nobody_for_its_own_lost_connection() -> None:
    mesh = Mesh(west=3)
    await mesh.start()
    mesh.mute.update(mesh.nodes)
    await mesh.clock.advance(5)
    mesh.transport.cut()
    await mesh.clock.advance(60)
    mesh.mute.clear()
    mesh.transport.restore()
    await mesh.clock.advance(60)
    assert mesh.lost == []


async def test_blames_nobody_for_its_own_standstill() -> None:
    mesh = Mesh(west=3)
    await mesh.start()
    mesh.mute.update(mesh.nodes)
    await mesh.clock.advance(5)
    mesh.mute.clear()
    mesh.clock._now_seconds += 60
    await mesh.clock.advance(60)
    assert mesh.lost == []


async def test_judges_a_node_that_comes_back_anew() -> None:
    mesh = Mesh(west=1)
    pinging = await mesh.start()
    mesh.mute.update(mesh.nodes)
    await mesh.clock.advance(5)
    mesh.registry.withdraw("west-0")
    await mesh.clock.advance(5)
    mesh.registry.admit(NodeInfo("west-0", "2", 1, "west"), mesh.clock.now())
    pinging.ping_soon("west-0")
    await mesh.clock.advance(TIMEOUT_SECONDS - 1)
    assert mesh.lost == []
