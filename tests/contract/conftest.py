"""The same mesh three times: in memory, and over a real nats-server by either client."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from itertools import count
from typing import Any

import pytest

from broker import Broker, BrokerConfig, Service
from broker.mesh import NO_POLICIES
from broker.middleware import Middleware
from broker.nats.client import NatsClient
from broker.nats.nats_py import NatsTransport
from broker.nats.settings import NatsSettings
from broker.policies.call_policy import CallPolicy
from broker.policies.idempotency import IdempotencyStore
from broker.strategies.names import Make, named
from broker.testing import MemoryNetwork
from broker.transport import Transport
from tests.servers import NatsAddress, nats_server
from tests.waiting import eventually

SETTLE_SECONDS = 0.05
HEARD_SECONDS = 2.0
"""On a busy machine the answers to a new node's question may take longer than the time to settle."""
_namespaces = count()


class Mesh:
    """Starts nodes and stops those that a test leaves running."""

    def __init__(self, transport: Callable[[], Transport]) -> None:
        self.transport = transport
        self.namespace = f"test{next(_namespaces)}"
        self._running: list[Broker] = []

    async def node(
        self,
        name: str,
        *services: Service,
        region: str = "west",
        clock: Any = None,
        idempotency: IdempotencyStore | None = None,
        policies: Mapping[str, CallPolicy] = NO_POLICIES,
        middlewares: Sequence[Middleware] = (),
        strategy: str | Make = "local-first",
        **settings: Any,
    ) -> Broker:
        """Which node is asked first does not depend on how busy this machine is, unless `strategy` is another."""
        config = BrokerConfig(region=region, node=name, namespace=self.namespace, **settings)
        broker = Broker(
            config,
            self.transport(),
            clock=clock,
            policies=policies,
            middlewares=middlewares,
            strategy=named(strategy) if isinstance(strategy, str) else strategy,
        )
        for service in services:
            broker.add(service, idempotency=idempotency)
        await broker.start()
        with contextlib.suppress(TimeoutError):  # a test may keep nodes apart
            await eventually(lambda: self._heard_by(broker), deadline_seconds=HEARD_SECONDS)
        self._running.append(broker)
        return broker

    def _heard_by(self, broker: Broker) -> bool:
        return all(broker.registry.get(other.node_id) is not None for other in self._running)

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


@pytest.fixture(params=["memory", "nats-py", "nats-client"])
async def mesh(request: pytest.FixtureRequest, nats_url: str) -> AsyncIterator[Mesh]:
    transports: dict[str, Callable[[], Transport]] = {
        "memory": MemoryNetwork().transport,
        "nats-py": lambda: NatsTransport([nats_url], settle_seconds=SETTLE_SECONDS),
        "nats-client": lambda: NatsClient(NatsSettings((nats_url,), settle_seconds=SETTLE_SECONDS)),
    }
    running = Mesh(transports[request.param])
    yield running
    await running.end_all()
