"""One mesh of real Moleculer nodes and of ours for each protocol, on one real nats-server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from broker import Broker, BrokerConfig, Service
from broker.nats.client import NatsClient
from broker.nats.settings import NatsSettings
from lab import node
from tests.interop.foreign import ForeignNode, foreign_node
from tests.servers import NatsAddress, free_port, nats_server

HOST = "127.77.71.1"
SETTLE_SECONDS = 0.1
DISCOVERY_SECONDS = 20.0
PROTOCOLS = ("5", "4")
SERVICES = ("foreign", "listeners", "streams")
_numbers = count(1)


@pytest.fixture(scope="session")
async def nats_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    node.install(Path(tmp_path_factory.getbasetemp()) / "npm.log")
    address = NatsAddress(host=HOST, port=free_port(HOST), gateway_port=free_port(HOST))
    async with nats_server(tmp_path_factory.mktemp("nats"), address):
        yield address.url


@dataclass
class SharedMesh:
    """Ours and theirs in one namespace, of one protocol."""

    url: str
    protocol: str
    namespace: str
    running: AsyncExitStack

    async def ours(self, *services: Service, wait_for: Sequence[str] = (), **settings: Any) -> Broker:
        """A node of ours, which sees these services."""
        number = next(_numbers)
        config = {"region": "west", "node": f"ours-{number}", "namespace": self.namespace, "protocol": self.protocol}
        broker = Broker(
            BrokerConfig.model_validate(config | settings),
            NatsClient(NatsSettings((self.url,), settle_seconds=SETTLE_SECONDS)),
        )
        for service in services:
            broker.add(service)
        await broker.start()
        self.running.push_async_callback(broker.stop)
        if wait_for:
            await broker.wait_for(*wait_for, deadline_seconds=DISCOVERY_SECONDS)
        return broker

    async def theirs(self, name: str, *services: str, protocol: str | None = None, **options: Any) -> ForeignNode:
        foreign = foreign_node(self.url, name, protocol or self.protocol, self.namespace, services, **options)
        return await self.running.enter_async_context(foreign)


@pytest.fixture(scope="session", params=PROTOCOLS, ids=lambda protocol: f"protocol-{protocol}")
async def protocol(request: pytest.FixtureRequest) -> str:
    value: str = request.param
    return value


@pytest.fixture(scope="session")
async def standing(nats_url: str, protocol: str) -> AsyncIterator[str]:
    """The namespace where a foreign node called `theirs` serves everything that `tests/node/services` has."""
    namespace = f"standing-{protocol}"
    async with foreign_node(nats_url, "theirs", protocol, namespace, SERVICES):
        yield namespace


@pytest.fixture
async def mesh(nats_url: str, protocol: str, standing: str) -> AsyncIterator[SharedMesh]:
    """With the standing foreign node. What a test starts ends with it."""
    async with AsyncExitStack() as running:
        yield SharedMesh(nats_url, protocol, standing, running)


@pytest.fixture
async def fresh_mesh(nats_url: str, protocol: str) -> AsyncIterator[SharedMesh]:
    """Without any node, for tests that start and end foreign ones."""
    async with AsyncExitStack() as running:
        yield SharedMesh(nats_url, protocol, f"fresh-{next(_numbers)}", running)


@pytest.fixture
async def small_server(tmp_path: Path, protocol: str) -> AsyncIterator[SharedMesh]:
    """Without any node, on a server that takes what NATS takes by default."""
    address = NatsAddress(host=HOST, port=free_port(HOST), gateway_port=free_port(HOST))
    async with nats_server(tmp_path, address, max_payload_bytes=1024 * 1024), AsyncExitStack() as running:
        yield SharedMesh(address.url, protocol, "small", running)
