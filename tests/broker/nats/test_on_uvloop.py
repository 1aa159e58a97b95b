"""The lean client on the event loop of production, whose transports are not those of asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import trustme
import uvloop

from broker.transport import Delivery
from tests.broker.hubs import Events, Hub, client, hub
from tests.broker.nats.test_client import CONGESTING, PIECES_MAX, publish_until_refused
from tests.broker.nats.test_security import tls_block, trusting
from tests.waiting import eventually


async def on_uvloop(scenario: Callable[..., Coroutine[Any, Any, None]], *arguments: Any) -> None:
    await asyncio.to_thread(uvloop.run, scenario(*arguments))


@pytest.mark.parametrize("by_tls", [False, True])
async def test_carries_large_payloads(tmp_path: Path, by_tls: bool) -> None:
    authority = trustme.CA()

    async def scenario(url: str) -> None:
        heard: list[Delivery] = []
        async with client(url, tls=trusting(authority) if by_tls else None) as both:
            await both.subscribe("large", heard.append)
            for _ in range(20):
                await both.publish("large", bytes(1_000_000))
            await eventually(lambda: len(heard) == 20)

    async with hub(tmp_path, *([tls_block(tmp_path, authority)] if by_tls else [])) as server:
        await on_uvloop(scenario, server.url)


async def test_gives_a_frozen_server_up(tmp_path: Path) -> None:
    async def scenario(own: Hub, far: Hub) -> None:
        events = Events()
        async with client(own.url, far.url, listener=events.listener(), go_home_seconds=60) as both:
            own.freeze()
            await eventually(lambda: "reconnected" in events)
            assert str(far.port) in both.server

    async with hub(tmp_path) as own, hub(tmp_path) as far:
        await on_uvloop(scenario, own, far)


async def test_bounds_what_waits_for_a_server_that_does_not_read(tmp_path: Path) -> None:
    async def scenario(server: Hub) -> None:
        heard: list[Delivery] = []
        async with (
            client(server.url, ping_seconds=60) as receiver,
            client(server.url, **CONGESTING, congestion_seconds=0.05) as both,
        ):
            await receiver.subscribe("flood", heard.append)
            await receiver.flush()
            server.freeze()
            accepted = await publish_until_refused(both)
            server.thaw()
            await eventually(lambda: len(heard) == accepted)
            assert accepted < PIECES_MAX

    async with hub(tmp_path) as server:
        await on_uvloop(scenario, server)
