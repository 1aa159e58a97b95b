"""The broker: a node's life in the mesh, and what services and callers see of it.

start -> serve -> drain -> stop
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from random import Random
from types import TracebackType
from typing import Self

from broker.cache.stores import Store
from broker.calling import Calling
from broker.clock import Clock, SystemClock
from broker.config import BrokerConfig
from broker.discovery.node_actions import NodeActions
from broker.discovery.registry import Registry
from broker.intake import Intake
from broker.middleware import Middleware
from broker.observe.metrics import Metrics
from broker.orders import DRAIN, RETURN, Obey
from broker.parts import Parts
from broker.policies.call_policy import CallPolicy
from broker.policies.deadline import Deadline
from broker.policies.idempotency import IdempotencyStore
from broker.refusals import NotSent
from broker.service import Service, describe
from broker.strategies.latency import Latency
from broker.strategies.names import Make, named
from broker.strategies.strategy import Score
from broker.transport import Transport
from schema.errors import TimedOut

NO_POLICIES: Mapping[str, CallPolicy] = {}

logger = logging.getLogger(__name__)


class Broker(Calling):
    def __init__(
        self,
        config: BrokerConfig,
        transport: Transport,
        *,
        metrics: Metrics | None = None,
        clock: Clock | None = None,
        random: Random | None = None,
        policies: Mapping[str, CallPolicy] = NO_POLICIES,
        middlewares: Sequence[Middleware] = (),
        cache_store: Store | None = None,
        strategy: Make | None = None,
    ) -> None:
        """`policies`: how this node calls an action, by name. `cache_store`: where cached answers are kept, if not in
        this process' memory. `strategy`: in place of the one that `config` names, an own one."""
        self._parts = Parts(
            config,
            transport,
            metrics=metrics or Metrics(),
            clock=clock or SystemClock(),
            random=random or Random(),  # noqa: S311 (chooses nodes; a system call for each choice is too dear)
            policies=policies,
            middlewares=middlewares,
            cache_store=cache_store,
            strategy=strategy or named(config.strategy),
        )
        super().__init__(self._parts.outgoing)
        self._orders: dict[str, Obey] = {DRAIN: self.drain, RETURN: self.take_work_again}
        self._intake = Intake(self._parts, self._orders)
        self._services: dict[str, Service] = {}
        self._withdrawn: set[str] = set()
        self._started = self._draining = False

    @property
    def node_id(self) -> str:
        return self._parts.config.node

    @property
    def region(self) -> str:
        return self._parts.config.region

    @property
    def metrics(self) -> Metrics:
        return self._parts.metrics

    @property
    def registry(self) -> Registry:
        return self._parts.registry

    @property
    def latency(self) -> Latency:
        return self._parts.latency

    @property
    def connected(self) -> bool:
        return self._parts.transport.connected

    # --- lifecycle ------------------------------------------------------------------------------------------

    def add(self, service: Service, *, idempotency: IdempotencyStore | None = None) -> None:
        """`idempotency` remembers the keys of its keyed actions, unless the service does so itself."""
        if self._started:
            raise RuntimeError("services are added before the broker starts")
        parts = self._parts
        self._services[service.full_name()] = service
        parts.dispatcher.add(parts.serving.actions(service, idempotency))
        parts.door.add(service)
        parts.event_receiver.add(parts.serving.events(service))

    async def start(self) -> None:
        """Join the mesh, see who is there, then let the others know. Raises `Conflict` if the node's name is taken,
        and `TimedOut` if a service that others depend on is missing."""
        if self._started:
            raise RuntimeError("a broker starts once")
        parts = self._parts
        if parts.config.internal_services:
            self.add(NodeActions(parts.config, parts.registry, parts.metrics, parts.clock, parts.caller.explain))
        self._started = True
        try:
            await self._join()
            await self._announce()
        except BaseException:
            await self._give_up()
            raise
        parts.discovery.begin()
        parts.pinging.begin()

    async def drain(self) -> None:
        """Take no new work, finish what was begun; what takes too long is given up when the broker stops."""
        if self._draining:
            return
        self._draining = True
        parts = self._parts
        with contextlib.suppress(NotSent):  # nobody to tell, and nobody who could send work
            await self._announce()
            await parts.transport.flush()
            await parts.transport.settle()
        for work in (parts.requests, parts.events):
            if not await work.finish(parts.clock, parts.config.drain_seconds):
                logger.warning("%d pieces of work did not finish in time", len(work))

    async def take_work_again(self) -> None:
        """After it was drained."""
        if self._draining:
            self._draining = False
            await self._announce()

    async def stop(self) -> None:
        for service in self._services.values():
            await service.stopped()
        with contextlib.suppress(NotSent):  # nobody to take leave of
            await self._parts.discovery.leave()
            await self._parts.transport.flush()
        await self._give_up()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.drain()
        await self.stop()

    async def withdraw(self, service: str) -> None:
        """Serve it no longer, for instance because its database cannot answer truthfully now."""
        await self._offer(self._withdrawn | {service})

    async def offer(self, service: str) -> None:
        """Serve it again."""
        await self._offer(self._withdrawn - {service})

    # --- what it knows of the mesh --------------------------------------------------------------------------

    async def wait_for(self, *services: str, deadline_seconds: float) -> None:
        await self._parts.members.wait_for(services, Deadline.after(deadline_seconds, self._parts.clock))

    async def ping(self) -> None:
        """Ask all nodes for an answer; `latency` knows soon after how long each took."""
        await self._parts.pinging.ping_everybody()

    async def order(self, node: str, order: str, *, deadline_seconds: float) -> None:
        """Have another node drain or take work again, as an operator; returns when it has done so."""
        await self._parts.orders.give(node, order, deadline_seconds)

    def on_order(self, order: str, obey: Obey) -> None:
        """What an operator can have this node do, beside draining and taking work again."""
        self._orders[order] = obey

    def available(self, action: str) -> bool:
        return bool(self.registry.endpoints(action))

    def explain(self, action: str) -> Sequence[Score]:
        """How this node compares those that serve an action that it calls; nothing where its strategy does not compare
        expected times."""
        return self._parts.caller.explain(action)

    def on_reconnect(self, callback: Callable[[], None]) -> None:
        """Called whenever events may have been missed: after a lost connection, when a lost node is heard again, and
        when more came in than could be handled. What was cached on the strength of events is to be dropped."""
        self._parts.members.when_missed.append(callback)

    def on_fatal(self, callback: Callable[[Exception], None]) -> None:
        """Called when this node must not go on, because another has its name."""
        self._parts.members.when_fatal.append(callback)

    # --- how ------------------------------------------------------------------------------------------------

    async def _join(self) -> None:
        parts = self._parts
        await parts.transport.connect(self.node_id, self._intake.listener())
        parts.metrics.connected.set(1)
        await self._intake.open()
        await parts.discovery.ask_everybody()
        await parts.transport.settle()
        if parts.members.impostor is not None:
            raise parts.members.name_taken()
        for name, service in self._services.items():
            await self._wait_for_dependencies(name, service)
            await service.started(self)

    async def _wait_for_dependencies(self, name: str, service: Service) -> None:
        """Those of this node itself are there: they are started in the order in which they were added."""
        others = [each for each in service.dependencies if each not in self._services]
        if not others:
            return
        try:
            await self.wait_for(*others, deadline_seconds=self._parts.config.dependency_seconds)
        except TimedOut as error:
            raise TimedOut(f"{name} cannot start: {error.message}") from error

    async def _give_up(self) -> None:
        """Without a word: if the node could not start, nobody knows it, and its name may be another's."""
        parts = self._parts
        parts.streams.fail_all("this node stopped")
        parts.reconnection.over()
        for tasks in (parts.background, parts.requests, parts.events):
            await tasks.cancel()
        await parts.store.close()
        await parts.transport.close()
        parts.metrics.connected.set(0)

    async def _announce(self) -> None:
        names = [] if self._draining else [name for name in self._services if name not in self._withdrawn]
        await self._parts.door.offer(names)
        offered = [describe(self._services[name]) for name in names]
        if self._intake.balanced is not None:
            await self._intake.balanced.offer(offered)
        await self._parts.discovery.announce(offered)

    async def _offer(self, withdrawn: set[str]) -> None:
        if withdrawn != self._withdrawn:
            self._withdrawn = withdrawn
            await self._announce()
