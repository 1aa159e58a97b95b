"""What a lost nats-server costs: calls fail at once while it is gone, and work again when it is back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from broker import Broker, BrokerConfig
from broker.nats.nats_py import NatsTransport
from broker.refusals import NotSent
from schema.errors import Unavailable
from tests.contract.greetings import GREET, GREETED, Diary, Greet, Greeted, Greetings
from tests.servers import NatsAddress, nats_server
from tests.waiting import eventually

ADA = Greet(name="Ada")


@asynccontextmanager
async def node(name: str, region: str, address: NatsAddress, *services: Greetings | Diary) -> AsyncIterator[Broker]:
    broker = Broker(BrokerConfig(region=region, node=name), NatsTransport([address.url]))
    for service in services:
        broker.add(service)
    async with broker:
        yield broker


async def test_recovers_when_the_server_restarts(tmp_path: Path) -> None:
    address, missed, diary = NatsAddress(), list[str](), Diary()
    async with AsyncExitStack() as stack:
        async with nats_server(tmp_path, address):
            server = await stack.enter_async_context(node("server", "west", address, Greetings("server"), diary))
            client = await stack.enter_async_context(node("client", "west", address))
            for broker in (server, client):
                broker.on_reconnect(partial(missed.append, broker.node_id))
            assert await client.call(GREET, ADA)
        await eventually(lambda: not client.connected and not server.connected)
        with pytest.raises(NotSent):
            await client.call(GREET, ADA)
        await stack.enter_async_context(nats_server(tmp_path, address))
        await eventually(lambda: sorted(missed) == ["client", "server"])
        assert await client.call(GREET, ADA)
        await client.broadcast(GREETED, Greeted(name="Ada"))
        await eventually(lambda: diary.names == ["Ada"])


async def test_calls_across_a_gateway_and_learns_of_a_dead_region_at_once(tmp_path: Path) -> None:
    west, east = NatsAddress("west", "127.77.11.1"), NatsAddress("east", "127.77.12.1")
    gateways = {"west": west.gateway_url, "east": east.gateway_url}
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(nats_server(tmp_path, west, gateways))
        eastern = await stack.enter_async_context(nats_server(tmp_path, east, gateways))
        client = await stack.enter_async_context(node("client", "west", west))
        await stack.enter_async_context(node("far", "east", east, Greetings("far")))
        await client.wait_for("greetings", deadline_seconds=10)
        assert (await client.call(GREET, ADA)).node == "far"
        assert client.latency.minimum_seconds("far") is not None
        eastern.kill()
        await eastern.wait()
        async with asyncio.timeout(5):
            with pytest.raises(Unavailable):
                await client.call(GREET, ADA, deadline_seconds=60)
