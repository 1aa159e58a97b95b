"""The same mesh twice: in memory and over a real nats-server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from itertools import count
from typing import Any

import pytest

from broker import Broker, BrokerConfig, Service
from broker.nats_transport import NatsTransport
from broker.testing import MemoryNetwork
from broker.transport import Transport
from tests.servers import NatsAddress, nats_server

SETTLE_SECONDS = 0.05
_namespaces = count()


class Mesh:
    """Starts nodes and stops those that a test leaves running."""

    def __init__(self, transport: Callable[[], Transport]) -> None:
        self.transport = transport
        self.namespace = f"test{next(_namespaces)}"
        self._running: list[Broker] = []

    async def node(
        self, name: str, *services: Service, region: str = "west", clock: Any = None, **settings: Any
    ) -> Broker:
        config = BrokerConfig(region=region, node=name, namespace=self.namespace, **settings)
        broker = Broker(config, self.transport(), clock=clock)
        for service in services:
            broker.add(service)
        await broker.start()
        self._running.append(broker)
        return broker

    async def end(self, broker: Broker) -> None:
        """Without draining."""
        self._running.remove(broker)
        await broker.stop()

    async def end_all(self) -> None:
        await asyncio.gather(*(broker.stop() for broker in self._running))


@pytest.fixture(scope="session")
async def nats_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    address = NatsAddress()
    async with nats_server(tmp_path_factory.mktemp("nats"), address):
        yield address.url


@pytest.fixture(params=["memory", "nats"])
async def mesh(request: pytest.FixtureRequest, nats_url: str) -> AsyncIterator[Mesh]:
    network = MemoryNetwork()

    def over_nats() -> Transport:
        return NatsTransport([nats_url], settle_seconds=SETTLE_SECONDS)

    running = Mesh(network.transport if request.param == "memory" else over_nats)
    yield running
    await running.end_all()
