"""The parts of a node, connected: each is one idea in its own file, and this is the one place where they meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from random import Random

from broker.cache.stores import MemoryStore, Store
from broker.calls import Caller
from broker.clock import Clock
from broker.config import BrokerConfig
from broker.discovery.discovery import Discovery
from broker.discovery.membership import Membership
from broker.discovery.pinging import Pinging
from broker.discovery.registry import Registry
from broker.dispatch import Dispatcher
from broker.events import EventReceiver, EventSender
from broker.micro.door import Door
from broker.middleware import Middleware
from broker.observe.faults_seen import FaultsSeen, Faulty
from broker.observe.metrics import Metrics
from broker.observe.tracing import tracing
from broker.orders import Orders
from broker.outgoing import Outgoing
from broker.pending import Pending
from broker.policies.bulkhead import Admission
from broker.policies.call_policy import CallPolicy
from broker.policies.ejection import Ejections
from broker.policies.retry import RetryBudget
from broker.policies.timeouts import Timeouts
from broker.reconnection import Reconnection
from broker.remote import Remote
from broker.serving import Serving
from broker.strategies.distances import Distances
from broker.strategies.latency import Latency
from broker.strategies.names import Make, Place
from broker.streams.streams import Streams
from broker.tasks import Tasks
from broker.transport import Transport
from broker.wire.topics import Topics


class Parts:
    def __init__(
        self,
        config: BrokerConfig,
        transport: Transport,
        *,
        metrics: Metrics,
        clock: Clock,
        random: Random,
        policies: Mapping[str, CallPolicy],
        middlewares: Sequence[Middleware],
        cache_store: Store | None,
        strategy: Make,
    ) -> None:
        self.config = config
        self.transport = transport
        self.metrics = metrics
        metrics.place(config.tier, config.region)
        self.clock = clock
        self.random = random
        self.topics = Topics(config.namespace)
        self.registry = Registry()
        self.background, self.requests, self.events = Tasks(), Tasks(), Tasks()
        self._instance = f"{random.getrandbits(64):016x}"
        self._numbers = count()
        self._timeouts = Timeouts(clock)
        middlewares = (*tracing(config.node, config.region), *middlewares)
        self._connect_listening()
        self._connect_serving(middlewares, cache_store or MemoryStore(clock))
        self.strategy = strategy(Place(config.region, clock.now, random))
        self._connect_asking(policies, middlewares)
        self._connect_discovery()

    def next_id(self) -> str:
        return f"{self._instance}{next(self._numbers):x}"

    def _connect_listening(self) -> None:
        self.latency = Latency(self.clock, self.config.node, self.config.protocol)
        self.pending = Pending(self._timeouts, self.config.pending_capacity)
        self.streams = Streams(
            self.config.node,
            transport=self.transport,
            topics=self.topics,
            registry=self.registry,
            metrics=self.metrics,
            clock=self.clock,
            tasks=self.background,
            idle_seconds=self.config.stream_idle_seconds,
            capacity=self.config.stream_capacity,
        )
        self.metrics.registry.register(Distances(self.registry, self.latency))
        self.members = Membership(self.registry, self.pending, self.latency, self.metrics)
        if isinstance(self.transport, Faulty):
            self.metrics.registry.register(FaultsSeen(self.transport.faults))
        self.members.when_gone.append(self.streams.fail_node)
        self.event_receiver = EventReceiver(
            self.config.event_capacity, self.events, self.metrics, self.members.events_missed
        )

    def _connect_serving(self, middlewares: Sequence[Middleware], store: Store) -> None:
        self.admission = admission = Admission(self.config.concurrency, self.config.queue_capacity)
        self.metrics.requests_running.set_function(lambda: admission.running)
        self.metrics.requests_waiting.set_function(lambda: admission.waiting)
        self.dispatcher = Dispatcher(admission, self.metrics, self._timeouts, self.clock)
        self.store = store
        self.serving = Serving(
            middlewares=middlewares,
            store=store,
            metrics=self.metrics,
            clock=self.clock,
            timeouts=self._timeouts,
            spawn=self.background.spawn,
        )
        self.members.when_missed.append(self.serving.events_missed)

    def _connect_asking(self, policies: Mapping[str, CallPolicy], middlewares: Sequence[Middleware]) -> None:
        config, clock, strategy = self.config, self.clock, self.strategy
        remote = Remote(
            config.node,
            transport=self.transport,
            topics=self.topics,
            registry=self.registry,
            pending=self.pending,
            streams=self.streams,
            clock=clock,
            next_id=self.next_id,
        )
        self.reconnection = Reconnection(clock, lambda: self.transport.connected)
        self.ejections = ejections = Ejections(
            clock,
            config.ejection_seconds,
            config.ejection_failures,
            on_ejection=self.metrics.ejections.inc,
            on_silence=self.pending.give_up,
        )
        self.budget = RetryBudget(clock, share=config.repeat_budget_share, per_second=config.repeat_budget_per_second)
        self.metrics.calls_in_flight.set_function(lambda: len(self.pending))
        self.members.when_gone += [ejections.forget, strategy.left]
        self.members.when_joined.append(strategy.joined)
        self.metrics.nodes_ejected.set_function(lambda: len(ejections))
        caller = self.caller = Caller(
            remote=remote,
            registry=self.registry,
            strategy=strategy,
            ejections=ejections,
            budget=self.budget,
            reconnection=self.reconnection,
            metrics=self.metrics,
            clock=clock,
        )
        self.outgoing = Outgoing(
            config.node,
            config.protocol,
            caller=caller,
            policies=policies,
            middlewares=middlewares,
            dispatcher=self.dispatcher,
            sender=EventSender(config.node, self.transport, self.topics, self.registry, strategy),
            receiver=self.event_receiver,
            clock=clock,
            next_id=self.next_id,
        )

    def blame_nobody(self) -> None:
        """The connection to all nodes was lost: what they seemed to fail at, and what was spent on it, is forgiven."""
        self.ejections.clear()
        self.budget.refill()
        for node in self.registry:
            self.strategy.left(node.info.node)

    def _connect_discovery(self) -> None:
        config = self.config
        self.orders = Orders(
            config.node,
            transport=self.transport,
            topics=self.topics,
            pending=self.pending,
            clock=self.clock,
            next_id=self.next_id,
        )
        self.door = Door(
            self.transport,
            namespace=config.namespace,
            metadata={"node": config.node, "region": config.region},
            dispatcher=self.dispatcher,
            onward=self.outgoing,
            clock=self.clock,
            tasks=self.requests,
            next_id=self.next_id,
        )
        self.discovery = Discovery(
            config,
            self._instance,
            transport=self.transport,
            topics=self.topics,
            registry=self.registry,
            clock=self.clock,
            random=self.random,
            tasks=self.background,
            observer=self.members,
        )
        self.pinging = Pinging(
            config.node,
            interval_seconds=config.ping_seconds,
            timeout_seconds=config.heartbeat_timeout_seconds,
            latency=self.latency,
            transport=self.transport,
            topics=self.topics,
            registry=self.registry,
            clock=self.clock,
            random=self.random,
            tasks=self.background,
            lose=self.discovery.lose,
        )
        self.pinging.measured, self.pinging.wanted = self.strategy.measured, self.caller.probes_wanted
        self.members.when_joined.append(self.pinging.ping_soon)
