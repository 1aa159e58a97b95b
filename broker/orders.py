"""Orders of an operator to one node: to stop taking work, and to take work again.

They travel on a subject of their own, which servers let operators publish on and nobody else; a request's sender is
merely what it says of itself. An order is a request otherwise, and its answer comes when it has been carried out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from broker.clock import Clock
from broker.pending import Pending
from broker.tasks import Tasks
from broker.transport import Transport
from broker.wire.errors import from_wire, to_wire
from broker.wire.packets import Request, Response
from broker.wire.topics import Kind, Topics
from schema.errors import MeshError, NotFound

DRAIN, RETURN = "drain", "return"
SHUT, OPEN = "shut", "open"
"""To a gateway: to send its users away, which is done when none is left, and to welcome them again."""

Obey = Callable[[], Awaitable[None]]


class OrderReceiver:
    def __init__(
        self, node: str, orders: Mapping[str, Obey], *, transport: Transport, topics: Topics, tasks: Tasks
    ) -> None:
        """`tasks` must not be those that draining waits for."""
        self._node = node
        self._orders = orders
        self._transport = transport
        self._topics = topics
        self._tasks = tasks

    def receive(self, packet: Request) -> None:
        self._tasks.spawn(self._carry_out(packet))

    async def _carry_out(self, packet: Request) -> None:
        failure = None
        try:
            await self._known(packet.action)()
        except MeshError as error:
            failure = to_wire(error, self._node)
        response = Response(packet.version, self._node, packet.id, None, failure, {})
        await self._transport.publish(self._topics.of(Kind.RESPONSE, packet.sender), response.encode())

    def _known(self, order: str) -> Obey:
        if order not in self._orders:
            raise NotFound(f"{self._node} does not know the order {order[:32]}")
        return self._orders[order]


class Orders:
    """The operator's side."""

    def __init__(
        self,
        node: str,
        *,
        transport: Transport,
        topics: Topics,
        pending: Pending,
        clock: Clock,
        next_id: Callable[[], str],
    ) -> None:
        self._node = node
        self._transport = transport
        self._topics = topics
        self._pending = pending
        self._clock = clock
        self._next_id = next_id

    async def give(self, node: str, order: str, deadline_seconds: float) -> None:
        """Returns once it has been carried out. Raises `MeshError`, at once if the node does not take orders."""
        waiting = self._pending.open(self._next_id(), node, self._clock.now() + deadline_seconds)
        try:
            payload = self._packet(waiting.call, order, deadline_seconds).encode()
            reply = self._topics.unheard(self._node, waiting.call)
            await self._transport.publish(self._topics.of(Kind.ORDER, node), payload, reply)
            response = await waiting.last_answer()
        finally:
            self._pending.close(waiting)
        if response.error is not None:
            raise from_wire(response.error)

    def _packet(self, identity: str, order: str, deadline_seconds: float) -> Request:
        nothing: dict[str, Any] = {}
        timeout = deadline_seconds * 1000
        return Request("5", self._node, identity, order, nothing, nothing, timeout, 1, identity, None, None)
