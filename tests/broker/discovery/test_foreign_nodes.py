"""What a Moleculer node sees of one of ours, packet by packet."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import orjson
import pytest

from broker import Broker, BrokerConfig
from broker.testing import MemoryNetwork, settled
from broker.transport import Delivery, Listener
from broker.wire.topics import Kind, Topics
from tests.contract.greetings import Diary, Greetings

NODE = "foreign-1"


class Foreign:
    """Speaks raw packets and keeps what it hears."""

    def __init__(self, network: MemoryNetwork, version: str = "5") -> None:
        self._transport = network.transport()
        self._topics = Topics()
        self._version = version
        self.heard: list[tuple[Kind, dict[str, Any]]] = []

    async def join(self, *, hears_everybody: bool = True) -> None:
        await self._transport.connect(NODE, Listener())
        for kind in (Kind.RESPONSE, Kind.PING, Kind.PONG, Kind.INFO, Kind.EVENT, Kind.REQUEST, Kind.STREAM):
            await self._transport.subscribe(self._topics.of(kind, NODE), self._keep(kind))
        for kind in (Kind.INFO, Kind.DISCONNECT) if hears_everybody else ():
            await self._transport.subscribe(self._topics.everybody(kind), self._keep(kind))

    def _keep(self, kind: Kind) -> Any:
        def keep(delivery: Delivery) -> None:
            self.heard.append((kind, orjson.loads(delivery.payload)))

        return keep

    async def tell(self, kind: Kind, node: str | None, **fields: Any) -> None:
        subject = self._topics.everybody(kind) if node is None else self._topics.of(kind, node)
        await self._transport.publish(subject, orjson.dumps({"ver": self._version, "sender": NODE, **fields}))
        await settled()

    async def tell_raw(self, kind: Kind, node: str | None, payload: bytes) -> None:
        subject = self._topics.everybody(kind) if node is None else self._topics.of(kind, node)
        await self._transport.publish(subject, payload)
        await settled()

    def last(self, kind: Kind) -> dict[str, Any]:
        return [packet for heard, packet in self.heard if heard is kind][-1]


def server(network: MemoryNetwork, *services: Any) -> Broker:
    broker = Broker(BrokerConfig(region="west", node="server"), network.transport())
    for service in services:
        broker.add(service)
    return broker


async def test_answers_a_request_in_the_version_it_came_in() -> None:
    network = MemoryNetwork()
    foreign = Foreign(network, version="4")
    await foreign.join()
    async with server(network, Greetings("server")):
        await foreign.tell(
            Kind.REQUEST, "server", id="1", action="greetings.greet", params={"name": "Ada"}, meta={"a": 1}, timeout=0
        )
        answer = foreign.last(Kind.RESPONSE)
    assert (answer["ver"], answer["id"], answer["success"]) == ("4", "1", True)
    assert answer["data"] == {"text": "Hello Ada", "node": "server"}
    assert answer["meta"] == {"a": 1}


async def test_answers_an_unknown_action_with_an_error_and_not_with_silence() -> None:
    network = MemoryNetwork()
    foreign = Foreign(network)
    await foreign.join()
    async with server(network):
        await foreign.tell(Kind.REQUEST, "server", id="1", action="nobody.knows", params={}, timeout=500)
        answer = foreign.last(Kind.RESPONSE)
    assert answer["success"] is False
    assert (answer["error"]["name"], answer["error"]["code"]) == ("ServiceNotFoundError", 404)


async def test_says_its_instance_region_and_seq_when_asked() -> None:
    network = MemoryNetwork()
    foreign = Foreign(network)
    await foreign.join()
    async with server(network, Greetings()):
        await foreign.tell(Kind.DISCOVER, None)
        info = foreign.last(Kind.INFO)
    assert info["metadata"] == {"region": "west"}
    assert info["instanceID"]
    assert info["seq"] == 1
    assert info["services"][0]["actions"].keys() == {"greetings.greet", "greetings.record", "greetings.remark"}


async def test_takes_back_its_services_before_it_disconnects() -> None:
    network = MemoryNetwork()
    foreign = Foreign(network)
    await foreign.join()
    async with server(network, Greetings()):
        pass
    await settled()
    last_two = foreign.heard[-2:]
    assert [kind for kind, _ in last_two] == [Kind.INFO, Kind.DISCONNECT]
    assert (last_two[0][1]["services"], last_two[0][1]["seq"]) == ([], 2)


async def test_answers_a_ping_with_its_id_and_time() -> None:
    network = MemoryNetwork()
    foreign = Foreign(network)
    await foreign.join()
    async with server(network):
        await foreign.tell(Kind.PING, None, id="p", time=1234)
        pong = foreign.last(Kind.PONG)
    assert (pong["id"], pong["time"]) == ("p", 1234)
    assert pong["arrived"] > 0


async def test_takes_an_event_for_the_groups_that_it_names() -> None:
    network, diary = MemoryNetwork(), Diary()
    foreign = Foreign(network)
    await foreign.join()
    async with server(network, diary):
        await foreign.tell(
            Kind.EVENT, "server", id="1", event="greetings.greeted", data={"name": "Ada"}, groups=["diary"]
        )
        await foreign.tell(
            Kind.EVENT, "server", id="2", event="greetings.greeted", data={"name": "Bob"}, groups=["mail"]
        )
        await foreign.tell(
            Kind.EVENT, "server", id="3", event="greetings.greeted", data={"name": "Eve"}, groups=None, broadcast=True
        )
    assert diary.names == ["Ada", "Eve"]


async def test_calls_a_foreign_action_by_name() -> None:
    network = MemoryNetwork()
    foreign = Foreign(network)
    await foreign.join()
    async with server(network) as broker:
        services = [{"name": "math", "actions": {"math.add": {"name": "math.add"}}, "events": {"user.*": {}}}]
        await foreign.tell(Kind.INFO, None, services=services, instanceID="i", seq=1)
        assert broker.available("math.add")
        assert list(broker.registry.listeners("user.created")) == ["math"]
        call = asyncio.ensure_future(broker.call("math.add", {"a": 1, "b": 2}))
        await settled()
        request = foreign.last(Kind.REQUEST)
        assert (request["action"], request["params"], request["level"]) == ("math.add", {"a": 1, "b": 2}, 1)
        await foreign.tell(Kind.RESPONSE, "server", id=request["id"], success=True, data=3)
        assert await call == 3


async def test_logs_each_fault_once_and_counts_all(caplog: pytest.LogCaptureFixture) -> None:
    network = MemoryNetwork()
    foreign = Foreign(network)
    await foreign.join()
    async with server(network) as broker:
        with caplog.at_level(logging.WARNING):
            for _ in range(3):
                await foreign.tell_raw(Kind.REQUEST, "server", b"{")
        assert caplog.text.count("not JSON") == 1
        assert b'localgroup_packets_refused_total{kind="REQ"} 3.0' in broker.metrics.exposition()
