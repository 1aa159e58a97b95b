"""Events: told once to one node of each listening group (`emit`) or to every listening node (`broadcast`).

At most once: an event is neither stored nor repeated. Who must not miss one asks again when told that some may have
been missed (`Broker.on_reconnect`).
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import orjson

from broker.context import Context
from broker.current_request import current_request
from broker.discovery.registry import Registry
from broker.dispatch import check_request
from broker.event_patterns import matches
from broker.observe.metrics import OK, Metrics
from broker.policies.time_limit import cut_off_at
from broker.service import BoundEvent
from broker.strategies.strategy import Strategy
from broker.tasks import Tasks
from broker.transport import Transport
from broker.wire.packets import EventPacket
from broker.wire.topics import Kind, Topics
from schema.action import Event
from schema.errors import MeshError

EVENT_SECONDS = 30.0
"""What a handler of an event may take."""

logger = logging.getLogger(__name__)


class EventSender:
    def __init__(self, node: str, transport: Transport, topics: Topics, registry: Registry, strategy: Strategy) -> None:
        self._node = node
        self._transport = transport
        self._topics = topics
        self._registry = registry
        self._strategy = strategy

    def chosen(self, event: str) -> dict[str, list[str]]:
        """One node for each listening group; the groups by node."""
        groups_of: dict[str, list[str]] = defaultdict(list)
        for group, endpoints in self._registry.listeners(event).items():
            groups_of[self._strategy.choose(endpoints).node].append(group)
        return groups_of

    def all(self, event: str) -> dict[str, list[str]]:
        """Every listening node, with no group: a broadcast is for all of them."""
        listeners = self._registry.listeners(event).values()
        return {endpoint.node: [] for endpoints in listeners for endpoint in endpoints}

    async def send(self, node: str, packet: EventPacket) -> None:
        known = self._registry.get(node)
        packet = packet._replace(version=known.info.version if known else packet.version)
        await self._transport.publish(self._topics.of(Kind.EVENT, node), packet.encode())


class EventReceiver:
    def __init__(self, capacity: int, tasks: Tasks, metrics: Metrics, missed: Callable[[], None]) -> None:
        """`missed` is called when an event is dropped because too many wait."""
        self._capacity = capacity
        self._tasks = tasks
        self._metrics = metrics
        self._missed = missed
        self._events: list[BoundEvent] = []

    def add(self, events: Iterable[BoundEvent]) -> None:
        self._events.extend(events)

    def deliver(self, event: str, groups: Iterable[str], payload: Any, context_for: Callable[[str], Context]) -> None:
        """No groups: to all of them. `context_for` makes a context for a service."""
        wanted = set(groups)
        for bound in self._events:
            if matches(bound.contract.name, event) and (not wanted or bound.group in wanted):
                self._begin(bound, payload, context_for)

    def _begin(self, bound: BoundEvent, payload: Any, context_for: Callable[[str], Context]) -> None:
        if len(self._tasks) >= self._capacity:
            self._metrics.event(bound.contract.name, "dropped")
            self._missed()
            return
        self._tasks.spawn(self._handle(bound, payload, context_for(bound.group)))

    async def _handle(self, bound: BoundEvent, payload: Any, context: Context) -> None:
        name, outcome = bound.contract.name, "internal"
        current_request.set(context)
        try:
            checked = check_request(bound.contract.payload, payload)
            async with cut_off_at(context.deadline):
                await bound.handle(context, checked)
            outcome = OK
        except MeshError as error:
            outcome = error.code
            logger.warning("event %s was not handled: %s", name, error.message)
        finally:
            self._metrics.event(name, outcome)


def payload_fields(event: Event[Any], payload: Any) -> Any:
    """The payload as it goes on the wire."""
    return orjson.Fragment(check_request(event.payload, payload).model_dump_json())
