"""The broker: where the parts of a node in the mesh are put together, and what services and callers see of them.

    start -> serve -> drain -> stop

Each part is one idea in its own file; this one only connects them.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterable, Callable, Mapping
from itertools import count
from random import Random, SystemRandom
from types import TracebackType
from typing import Any, Self, TypeVar, overload

from pydantic import BaseModel

from broker.admission import Admission
from broker.balanced import Balanced
from broker.calls import Caller
from broker.clock import Clock, SystemClock
from broker.config import DEADLINE_SECONDS, BrokerConfig
from broker.deadline import Deadline
from broker.discovery import Discovery
from broker.dispatch import Dispatcher
from broker.ejection import Ejections
from broker.events import EventReceiver, EventSender
from broker.inbox import Inbox
from broker.latency import Latency
from broker.membership import Membership
from broker.metrics import Metrics
from broker.micro import Door
from broker.nearest import Nearest
from broker.node_actions import NodeActions
from broker.outgoing import Outgoing
from broker.packets import NO_HEADERS
from broker.pending import Pending
from broker.pinging import Pinging
from broker.refusals import NotSent
from broker.registry import Registry
from broker.requests import RequestReceiver
from broker.responses import ResponseReceiver
from broker.retry import RetryBudget
from broker.service import Service, bound_actions, bound_events, describe
from broker.streams import Streams
from broker.tasks import Tasks
from broker.topics import Kind, Topics, call_of_unheard
from broker.transport import Delivery, Listener, Transport
from schema.action import Action, Event

RequestType = TypeVar("RequestType", bound=BaseModel)
ResponseType = TypeVar("ResponseType")

logger = logging.getLogger(__name__)


class Broker:
    def __init__(
        self,
        config: BrokerConfig,
        transport: Transport,
        *,
        metrics: Metrics | None = None,
        clock: Clock | None = None,
        random: Random | None = None,
    ) -> None:
        self.node_id = config.node
        self.region = config.region
        self.metrics = metrics or Metrics()
        self.registry = Registry()
        self._config = config
        self._transport = transport
        self._clock = clock or SystemClock()
        self._random = random or SystemRandom()
        self._topics = Topics(config.namespace)
        self._instance = f"{self._random.getrandbits(64):016x}"
        self._numbers = count()
        self._services: dict[str, Service] = {}
        self._withdrawn: set[str] = set()
        self._background, self._requests, self._events = Tasks(), Tasks(), Tasks()
        self._started = self._draining = False
        self._balanced: Balanced | None = None
        self._connect_parts(config, self._clock)

    def _connect_parts(self, config: BrokerConfig, clock: Clock) -> None:
        self.latency = Latency(clock, self.node_id, config.protocol)
        self._pending = Pending(clock, config.pending_capacity)
        self._streams = Streams(
            self.node_id,
            transport=self._transport,
            topics=self._topics,
            registry=self.registry,
            metrics=self.metrics,
            clock=clock,
            tasks=self._background,
            idle_seconds=config.stream_idle_seconds,
            capacity=config.stream_capacity,
        )
        self._members = Membership(self.registry, self._pending, self.latency, self.metrics)
        self._members.when_gone.append(self._streams.fail_node)
        self._dispatcher = Dispatcher(Admission(config.concurrency, config.queue_capacity), self.metrics)
        strategy = Nearest(self.region, self.latency.minimum_seconds, self._pending.in_flight, self._random)
        caller = Caller(
            node=self.node_id,
            transport=self._transport,
            topics=self._topics,
            registry=self.registry,
            strategy=strategy,
            pending=self._pending,
            streams=self._streams,
            ejections=Ejections(clock, config.ejection_seconds),
            budget=RetryBudget(clock),
            metrics=self.metrics,
            clock=clock,
            next_id=self._next_id,
        )
        sender = EventSender(self.node_id, self._transport, self._topics, self.registry, strategy)
        self._event_receiver = EventReceiver(
            config.event_capacity, self._events, self.metrics, self._members.events_missed
        )
        self._outgoing = Outgoing(
            self.node_id,
            config.protocol,
            caller=caller,
            dispatcher=self._dispatcher,
            sender=sender,
            receiver=self._event_receiver,
            clock=clock,
            next_id=self._next_id,
        )
        self._door = Door(
            self._transport,
            namespace=config.namespace,
            metadata={"node": self.node_id, "region": self.region},
            dispatcher=self._dispatcher,
            onward=self._outgoing,
            clock=clock,
            tasks=self._requests,
            next_id=self._next_id,
        )
        self._discovery = Discovery(
            config,
            self._instance,
            transport=self._transport,
            topics=self._topics,
            registry=self.registry,
            clock=clock,
            random=self._random,
            tasks=self._background,
            observer=self._members,
        )
        self._pinging = Pinging(
            self.node_id,
            interval_seconds=config.ping_seconds,
            timeout_seconds=config.heartbeat_timeout_seconds,
            latency=self.latency,
            transport=self._transport,
            topics=self._topics,
            registry=self.registry,
            clock=clock,
            random=self._random,
            tasks=self._background,
            lose=self._discovery.lose,
        )
        self._members.when_joined.append(self._pinging.ping_soon)

    # --- lifecycle ------------------------------------------------------------------------------------------

    def add(self, service: Service) -> None:
        if self._started:
            raise RuntimeError("services are added before the broker starts")
        self._services[service.name] = service
        self._dispatcher.add(bound_actions(service))
        self._door.add(service)
        self._event_receiver.add(bound_events(service))

    async def start(self) -> None:
        """Join the mesh, see who is there, then let the others know. Raises `Conflict` if the node's name is taken."""
        if self._started:
            raise RuntimeError("a broker starts once")
        if self._config.internal_services:
            self.add(NodeActions(self._config, self.registry, self.metrics, self._clock))
        self._started = True
        try:
            await self._join()
            await self._announce()
        except BaseException:
            await self._give_up()
            raise
        self._discovery.begin()
        self._pinging.begin()

    async def drain(self) -> None:
        """Take no new work, finish what was begun; what takes too long is given up when the broker stops."""
        if self._draining:
            return
        self._draining = True
        with contextlib.suppress(NotSent):  # nobody to tell, and nobody who could send work
            await self._announce()
            await self._transport.flush()
            await self._transport.settle()
        for work in (self._requests, self._events):
            if not await work.finish(self._clock, self._config.drain_seconds):
                logger.warning("%d pieces of work did not finish in time", len(work))

    async def stop(self) -> None:
        for service in self._services.values():
            await service.stopped()
        with contextlib.suppress(NotSent):  # nobody to take leave of
            await self._discovery.leave()
            await self._transport.flush()
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

    # --- what callers use -----------------------------------------------------------------------------------

    @overload
    async def call(
        self,
        action: Action[RequestType, ResponseType],
        request: RequestType,
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
        meta: dict[str, Any] | None = None,
        headers: Mapping[str, Any] = NO_HEADERS,
        node: str | None = None,
        stream: AsyncIterable[Any] | None = None,
    ) -> ResponseType: ...

    @overload
    async def call(
        self,
        action: str,
        request: Any,
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
        meta: dict[str, Any] | None = None,
        headers: Mapping[str, Any] = NO_HEADERS,
        node: str | None = None,
        stream: AsyncIterable[Any] | None = None,
    ) -> Any: ...

    async def call(
        self,
        action: Action[Any, Any] | str,
        request: Any,
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
        meta: dict[str, Any] | None = None,
        headers: Mapping[str, Any] = NO_HEADERS,
        node: str | None = None,
        stream: AsyncIterable[Any] | None = None,
    ) -> Any:
        """By contract: a checked response. By name: plain JSON values. What the callee puts into its meta is merged
        into `meta`; `headers` are for this call alone; `node` is the only one to ask. A `stream` of bytes or of JSON
        values goes along, and such a call is made once. An action may answer with a `Stream`. Raises `MeshError`."""
        deadline = Deadline.after(deadline_seconds, self._clock)
        return await self._outgoing.call(action, request, deadline, meta, headers, node, stream)

    async def emit(
        self, event: Event[RequestType], payload: RequestType, *, headers: Mapping[str, Any] = NO_HEADERS
    ) -> None:
        """To one node of each listening group, at most once."""
        await self._outgoing.tell(event, payload, broadcast=False, headers=headers)

    async def broadcast(
        self, event: Event[RequestType], payload: RequestType, *, headers: Mapping[str, Any] = NO_HEADERS
    ) -> None:
        """To every listening node, this one too, at most once."""
        await self._outgoing.tell(event, payload, broadcast=True, headers=headers)

    async def wait_for(self, *services: str, deadline_seconds: float) -> None:
        await self._members.wait_for(services, Deadline.after(deadline_seconds, self._clock))

    def available(self, action: str) -> bool:
        return bool(self.registry.endpoints(action))

    @property
    def connected(self) -> bool:
        return self._transport.connected

    def on_reconnect(self, callback: Callable[[], None]) -> None:
        """Called whenever events may have been missed: after a lost connection, when a lost node is heard again, and
        when more came in than could be handled. What was cached on the strength of events is to be dropped."""
        self._members.when_missed.append(callback)

    def on_fatal(self, callback: Callable[[Exception], None]) -> None:
        """Called when this node must not go on, because another has its name."""
        self._members.when_fatal.append(callback)

    # --- how ------------------------------------------------------------------------------------------------

    def _next_id(self) -> str:
        return f"{self._instance}{next(self._numbers):x}"

    async def _join(self) -> None:
        listener = Listener(self._disconnected, self._reconnected, self._members.events_missed)
        await self._transport.connect(self.node_id, listener)
        self.metrics.connected.set(1)
        await self._open_inbox()
        await self._discovery.ask_everybody()
        await self._transport.settle()
        if self._members.impostor is not None:
            raise self._members.name_taken()
        for service in self._services.values():
            await service.started(self)

    async def _give_up(self) -> None:
        """Without a word: if the node could not start, nobody knows it, and its name may be another's."""
        self._streams.fail_all("this node stopped")
        for tasks in (self._background, self._requests, self._events):
            await tasks.cancel()
        await self._transport.close()
        self.metrics.connected.set(0)

    async def _announce(self) -> None:
        names = [] if self._draining else [name for name in self._services if name not in self._withdrawn]
        await self._door.offer(names)
        offered = [describe(self._services[name]) for name in names]
        if self._balanced is not None:
            await self._balanced.offer(offered)
        await self._discovery.announce(offered)

    async def _offer(self, withdrawn: set[str]) -> None:
        if withdrawn != self._withdrawn:
            self._withdrawn = withdrawn
            await self._announce()

    async def _open_inbox(self) -> None:
        requests = RequestReceiver(
            self.node_id,
            dispatcher=self._dispatcher,
            transport=self._transport,
            topics=self._topics,
            clock=self._clock,
            tasks=self._requests,
            onward=self._outgoing,
            streams=self._streams,
        )
        responses = ResponseReceiver(self.node_id, self._pending, self._streams, self.metrics)
        receivers: dict[Kind, Callable[[Any], None]] = {
            Kind.REQUEST: requests.receive,
            Kind.RESPONSE: responses.receive,
            Kind.STREAM: self._streams.receive_progress,
            Kind.EVENT: self._outgoing.receive_event,
            Kind.INFO: self._discovery.receive_info,
            Kind.DISCOVER: self._discovery.receive_discover,
            Kind.HEARTBEAT: self._discovery.receive_heartbeat,
            Kind.DISCONNECT: self._discovery.receive_disconnect,
            Kind.PING: self._pinging.receive_ping,
            Kind.PONG: self._pinging.receive_pong,
        }
        inbox = Inbox(receivers, self.metrics)
        await inbox.open(self._transport, self._topics, self.node_id)
        if self._config.balanced:
            self._balanced = Balanced.over(self._transport, self._topics, inbox.receive)
        await self._transport.subscribe(self._topics.unheard(self.node_id), self._receive_unheard)

    def _receive_unheard(self, delivery: Delivery) -> None:
        """The server knows before the heartbeats do that a node is gone."""
        if delivery.unheard and (node := self._pending.unheard(call_of_unheard(delivery.subject))) is not None:
            self._discovery.lose(node)

    def _disconnected(self) -> None:
        self.metrics.connected.set(0)
        self._pending.fail_all("the connection to the mesh was lost")
        self._streams.fail_all("the connection to the mesh was lost")

    def _reconnected(self) -> None:
        self.metrics.connected.set(1)
        self._background.spawn(self._discovery.rejoin())
        self._members.events_missed()
