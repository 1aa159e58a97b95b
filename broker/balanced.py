"""Serving nodes that leave the choice to the server: Moleculer's `disableBalancer`.

Such a node asks `REQB.<action>` and tells `EVENTB.<group>.<event>`, and the server hands each message to one member of
the queue group. Nodes of ours choose by themselves and need none of this: they only listen here, where it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Protocol, Self, runtime_checkable

from broker.nats.subscriptions import Take
from broker.transport import Delivery, Receive
from broker.wire.node_info import ServiceInfo
from broker.wire.topics import Kind, Topics


@runtime_checkable
class Queues(Protocol):
    """What this needs of a transport."""

    def listen(self, subject: str, take: Take, queue: str = "") -> int: ...

    async def leave(self, *numbers: int) -> None: ...


class Balanced:
    def __init__(self, transport: Queues, topics: Topics, receive: Callable[[Kind], Receive]) -> None:
        self._transport = transport
        self._topics = topics
        self._receivers: Mapping[Kind, Receive] = {kind: receive(kind) for kind in (Kind.REQUEST, Kind.EVENT)}
        self._open: dict[tuple[Kind, str, str], int] = {}
        """Kind, subject and queue group to the number of the subscription."""

    @classmethod
    def over(cls, transport: object, topics: Topics, receive: Callable[[Kind], Receive]) -> Self:
        if not isinstance(transport, Queues):
            raise TypeError("this transport has no queue groups: it cannot serve nodes that leave the choice to it")
        return cls(transport, topics, receive)

    async def offer(self, services: Iterable[ServiceInfo]) -> None:
        """Exactly these. What was on its way to the others is still handled."""
        wanted = {place for service in services for place in self._places(service)}
        for place in wanted - self._open.keys():
            kind, subject, queue = place
            self._open[place] = self._transport.listen(subject, partial(self._take, kind), queue)
        leaving = self._open.keys() - wanted
        await self._transport.leave(*(self._open.pop(place) for place in leaving))

    def _places(self, service: ServiceInfo) -> Iterator[tuple[Kind, str, str]]:
        for action in service.actions:
            yield Kind.REQUEST, self._topics.balanced_request(action.name), action.name
        for event in service.events:
            yield Kind.EVENT, self._topics.balanced_event(event.group, event.pattern), event.group

    def _take(self, kind: Kind, subject: str, reply: str, header: bytes, payload: bytes) -> None:
        self._receivers[kind](Delivery(subject, payload))
