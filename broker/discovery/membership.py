"""What follows from a change of the mesh: who is woken, whose calls fail, who may have missed events."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from broker.discovery.nodes_seen import NodesSeen
from broker.discovery.registry import Registry
from broker.observe.metrics import Metrics
from broker.pending import Pending
from broker.policies.deadline import Deadline
from broker.policies.time_limit import cut_off_at
from broker.strategies.latency import Latency
from broker.wire.node_info import NodeInfo
from schema.errors import Conflict, TimedOut

logger = logging.getLogger(__name__)


class Membership:
    def __init__(self, registry: Registry, pending: Pending, latency: Latency, metrics: Metrics) -> None:
        self._registry = registry
        self._pending = pending
        self._latency = latency
        self._changed = asyncio.Event()
        self.impostor: NodeInfo | None = None
        self.when_missed: list[Callable[[], None]] = []
        self.when_joined: list[Callable[[str], None]] = []
        self.when_gone: list[Callable[[str], None]] = []
        self.when_fatal: list[Callable[[Exception], None]] = []
        metrics.registry.register(NodesSeen(registry))

    def registry_changed(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def node_joined(self, node: str) -> None:
        for callback in self.when_joined:
            callback(node)

    def node_gone(self, node: str) -> None:
        self._pending.fail_node(node)
        self._latency.forget(node)
        for callback in self.when_gone:
            callback(node)

    def events_missed(self) -> None:
        for callback in self.when_missed:
            callback()

    def impostor_found(self, info: NodeInfo) -> None:
        self.impostor = info
        logger.critical("another node of %s is called %s too", info.hostname or "an unknown host", info.node)
        for callback in self.when_fatal:
            callback(self.name_taken())

    def name_taken(self) -> Conflict:
        return Conflict("another node of the mesh has the name of this one")

    async def wait_for(self, services: Sequence[str], deadline: Deadline) -> None:
        try:
            async with cut_off_at(deadline):
                while self._missing(services):
                    await self._changed.wait()
        except TimeoutError:
            raise TimedOut(f"nobody serves {', '.join(self._missing(services))}") from None

    def _missing(self, services: Sequence[str]) -> list[str]:
        return [service for service in services if not self._registry.serves(service)]
