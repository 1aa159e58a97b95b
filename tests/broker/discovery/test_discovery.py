"""How nodes find, lose and find each other again, with a clock that the test moves."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from broker import Broker, BrokerConfig
from broker.reconnection import PATIENCE_SECONDS
from broker.refusals import NotSent
from broker.tasks import Tasks
from broker.testing import FakeClock, MemoryNetwork, MemoryTransport, settled
from broker.transport import Delivery, Listener
from broker.wire.node_info import NodeInfo
from broker.wire.packets import Disconnect, Heartbeat, Info, Pong
from broker.wire.topics import Kind, Topics
from tests.contract.greetings import GREET, Greet, Greetings

ADA = Greet(name="Ada")


class Pair:
    """A server in the west and a client in the east, and how often the client was told that it missed events."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.network = MemoryNetwork()
        self.transports: dict[str, MemoryTransport] = {}
        self.missed = 0

    async def start(self) -> Pair:
        self.server = self._broker("server", "west")
        self.server.add(Greetings("server"))
        self.client = self._broker("client", "east")
        self.client.on_reconnect(self._count)
        await self.server.start()
        await self.client.start()
        return self

    def _broker(self, node: str, region: str) -> Broker:
        self.transports[node] = self.network.transport()
        return Broker(BrokerConfig(region=region, node=node), self.transports[node], clock=self.clock)

    def _count(self) -> None:
        self.missed += 1

    async def stop(self) -> None:
        await self.client.stop()
        await self.server.stop()


@pytest.fixture
async def pair() -> Pair:
    return await Pair().start()


async def test_loses_a_silent_node_after_the_timeout_and_not_before(pair: Pair) -> None:
    pair.network.sever(pair.transports["server"], pair.transports["client"])
    await pair.clock.advance(14)
    assert pair.client.available(GREET.name)
    await pair.clock.advance(3)
    assert not pair.client.available(GREET.name)
    await pair.stop()


async def test_finds_a_lost_node_again_and_says_that_events_were_missed(pair: Pair) -> None:
    pair.network.sever(pair.transports["server"], pair.transports["client"])
    await pair.clock.advance(20)
    assert pair.missed == 0
    pair.network.mend()
    await pair.clock.advance(6)
    assert pair.client.available(GREET.name)
    assert pair.missed == 1
    await pair.stop()


async def test_learns_at_once_that_nobody_listens_there_any_more(pair: Pair) -> None:
    await pair.transports["server"].close()
    with pytest.raises(Exception, match="does not listen"):
        await pair.client.call(GREET, ADA)
    assert not pair.client.available(GREET.name)
    await pair.client.stop()


async def test_refuses_calls_after_a_moment_while_disconnected_and_recovers(pair: Pair) -> None:
    transport = pair.transports["client"]
    transport.cut()
    calling = asyncio.create_task(pair.client.call(GREET, ADA))
    await pair.clock.advance(PATIENCE_SECONDS)
    with pytest.raises(NotSent):
        await calling
    await pair.clock.advance(60)
    transport.restore()
    await settled()
    assert pair.missed == 1
    assert await pair.client.call(GREET, ADA)
    await pair.stop()


async def test_makes_a_call_as_soon_as_the_connection_is_back(pair: Pair) -> None:
    transport = pair.transports["client"]
    transport.cut()
    calling = asyncio.create_task(pair.client.call(GREET, ADA))
    await pair.clock.advance(PATIENCE_SECONDS / 2)
    assert not calling.done()
    transport.restore()
    assert await calling
    await pair.stop()


async def test_does_not_take_its_own_standstill_for_the_others_silence(pair: Pair) -> None:
    pair.clock._now_seconds += 60
    await pair.clock.advance(2)
    assert pair.client.available(GREET.name)
    await pair.stop()


async def test_asks_for_the_info_that_a_heartbeat_shows_to_be_missed(pair: Pair) -> None:
    link = frozenset(map(id, pair.transports.values()))
    pair.network._severed.add(link)
    await pair.server.withdraw("greetings")
    pair.network.mend()
    assert pair.client.available(GREET.name)
    await pair.clock.advance(6)
    assert not pair.client.available(GREET.name)
    await pair.stop()


async def test_forgets_a_node_that_stays_lost(pair: Pair) -> None:
    await pair.server.stop()
    assert "server" in [node.info.node for node in pair.client.registry]
    await pair.clock.advance(620)
    assert "server" not in [node.info.node for node in pair.client.registry]
    await pair.client.stop()


async def test_measures_the_round_trip_to_each_node(pair: Pair) -> None:
    await settled()
    assert pair.client.latency.minimum_seconds("server") == 0
    assert pair.client.latency.average_seconds("nobody") is None
    await pair.stop()


async def test_survives_heartbeats_and_farewells_of_strangers(pair: Pair) -> None:
    stranger, topics = pair.network.transport(), Topics()
    stranger.connected = True
    await stranger.publish(topics.everybody(Kind.HEARTBEAT), Heartbeat("4", "stranger", None, None).encode())
    await stranger.publish(topics.everybody(Kind.DISCONNECT), Disconnect("4", "stranger").encode())
    await settled()
    assert await pair.client.call(GREET, ADA)
    await pair.stop()


async def test_shows_how_many_nodes_it_sees_and_that_a_region_is_missing(pair: Pair) -> None:
    assert b'localgroup_nodes{region="west"} 1.0' in pair.client.metrics.exposition()
    await pair.server.stop()
    await settled()
    assert b'localgroup_nodes{region="west"} 0.0' in pair.client.metrics.exposition()
    await pair.client.stop()


class Stranger:
    """A node that says what a test tells it to, and writes down who asks for it."""

    def __init__(self, network: MemoryNetwork) -> None:
        self.transport, self._topics = network.transport(), Topics()
        self._answers = Tasks()
        self.answering = True
        self.asked = 0

    async def join(self) -> None:
        await self.transport.connect("stranger", Listener())
        await self.transport.subscribe(self._topics.of(Kind.DISCOVER, "stranger"), self._count)

        await self.transport.subscribe(self._topics.of(Kind.PING, "stranger"), self._pong)
        await self.transport.subscribe(self._topics.everybody(Kind.PING), self._pong)

    def _count(self, delivery: Delivery) -> None:
        self.asked += 1

    def _pong(self, delivery: Delivery) -> None:
        if not self.answering:
            return
        ping = orjson.loads(delivery.payload)
        pong = Pong("5", "stranger", ping["id"], ping["time"], 0).encode()
        self._answers.spawn(self.transport.publish(self._topics.of(Kind.PONG, ping["sender"]), pong))

    async def tell(self) -> None:
        info = NodeInfo("stranger", "1", 1, "west")
        await self.transport.publish(self._topics.everybody(Kind.INFO), Info("5", info).encode())
        await settled()

    async def beat(self, interval_seconds: float | None = None, seq: int = 1) -> None:
        packet = Heartbeat("5", "stranger", seq, "1", interval_seconds)
        await self.transport.publish(self._topics.everybody(Kind.HEARTBEAT), packet.encode())
        await settled()


@pytest.mark.parametrize(
    ("interval_seconds", "patience_seconds"), [(None, 30), (1, 15), (10, 30), (20, 60), (1_000_000, 180)]
)
async def test_waits_for_three_heartbeats_of_the_node_itself(
    pair: Pair, interval_seconds: float | None, patience_seconds: float
) -> None:
    stranger = Stranger(pair.network)
    await stranger.join()
    await stranger.tell()
    await stranger.beat(interval_seconds)
    await pair.clock.advance(patience_seconds - 0.1)
    assert pair.client.registry.sees("stranger")
    await pair.clock.advance(1.2)
    assert not pair.client.registry.sees("stranger")
    await pair.stop()


async def test_asks_only_the_node_whose_heartbeat_is_unknown(pair: Pair) -> None:
    stranger = Stranger(pair.network)
    await stranger.join()
    for _ in range(3):
        await stranger.beat()
    await pair.clock.advance(0.1)
    assert stranger.asked == 2
    await pair.stop()


async def test_asks_nothing_of_a_node_that_was_lost_and_is_what_it_was(pair: Pair) -> None:
    stranger = Stranger(pair.network)
    await stranger.join()
    await stranger.tell()
    await pair.clock.advance(20)
    assert not pair.client.registry.sees("stranger")
    stranger.asked = 0
    await stranger.beat()
    assert pair.client.registry.sees("stranger")
    await pair.clock.advance(0.1)
    assert (stranger.asked, pair.missed) == (0, 1)
    await pair.stop()


async def test_keeps_a_node_whose_heartbeats_do_not_come_and_that_answers(pair: Pair) -> None:
    stranger = Stranger(pair.network)
    await stranger.join()
    await stranger.tell()
    for _ in range(60):
        await pair.clock.advance(1)
        if stranger.asked:
            stranger.asked = 0
            await stranger.tell()
        assert pair.client.registry.sees("stranger")
    assert pair.missed == 0
    await pair.stop()


async def test_asks_nobody_who_is_heard(pair: Pair) -> None:
    stranger = Stranger(pair.network)
    await stranger.join()
    await stranger.tell()
    for _ in range(12):
        await stranger.beat(interval_seconds=5)
        await pair.clock.advance(5)
    assert stranger.asked == 0
    await pair.stop()


async def test_asks_a_node_that_was_lost_and_may_have_changed(pair: Pair) -> None:
    stranger = Stranger(pair.network)
    await stranger.join()
    await stranger.tell()
    await pair.clock.advance(20)
    stranger.asked = 0
    await stranger.beat(seq=2)
    await pair.clock.advance(0.1)
    assert not pair.client.registry.sees("stranger")
    assert stranger.asked == 2
    await pair.stop()


async def test_loses_a_node_that_is_heard_but_answers_nothing_and_keeps_it_out(pair: Pair) -> None:
    stranger = Stranger(pair.network)
    await stranger.join()
    await stranger.tell()
    await pair.clock.advance(5)
    stranger.answering = False
    seen = []
    for _ in range(40):
        await stranger.beat()
        await pair.clock.advance(1)
        seen.append(pair.client.registry.sees("stranger"))
    assert seen.index(False) < 20
    assert not any(seen[seen.index(False) :])
    stranger.answering = True
    await stranger.beat()
    await pair.clock.advance(0.1)
    await stranger.tell()
    assert pair.client.registry.sees("stranger")
    await pair.stop()


async def test_beats_less_often_in_a_large_mesh(pair: Pair) -> None:
    strangers = pair.network.transport()
    await strangers.connect("strangers", Listener())
    beats: list[dict[str, object]] = []
    await strangers.subscribe(
        Topics().everybody(Kind.HEARTBEAT), lambda delivery: beats.append(orjson.loads(delivery.payload))
    )
    for name in (f"stranger-{number}" for number in range(2_000)):
        await strangers.publish(Topics().everybody(Kind.INFO), Info("5", NodeInfo(name, "1", 1, "west")).encode())
        beat = Heartbeat("5", name, 1, "1", interval_seconds=10)
        await strangers.publish(Topics().everybody(Kind.HEARTBEAT), beat.encode())
    await settled()
    await pair.clock.advance(6)
    beats.clear()
    await pair.clock.advance(11)
    assert sorted(str(beat["sender"]) for beat in beats) == ["client", "server"]
    assert {beat.get("interval") for beat in beats} == {None}
    await pair.stop()


@pytest.mark.parametrize(("nodes", "told"), [(3, {Kind.DISCOVER, Kind.INFO}), (100, {Kind.HEARTBEAT})])
async def test_says_after_a_lost_connection_what_the_size_of_the_mesh_bears(
    pair: Pair, nodes: int, told: set[Kind]
) -> None:
    strangers, heard = pair.network.transport(), set[Kind]()
    await strangers.connect("strangers", Listener())
    for name in (f"stranger-{number}" for number in range(nodes)):
        await strangers.publish(Topics().everybody(Kind.INFO), Info("5", NodeInfo(name, "1", 1, "west")).encode())
    await settled()
    pair.network.sever(pair.transports["server"], pair.transports["client"])
    for kind in (Kind.DISCOVER, Kind.INFO, Kind.HEARTBEAT):
        await strangers.subscribe(Topics().everybody(kind), lambda _, kind=kind: heard.add(kind))  # type: ignore[misc]
    pair.transports["client"].cut()
    pair.transports["client"].restore()
    await settled()
    assert heard == told
    await pair.stop()
