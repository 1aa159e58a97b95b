"""Requests from the wire: each in a task of its own, and each answered, so that nobody waits for nothing."""

from __future__ import annotations

import logging
from typing import Any

import orjson

from broker.clock import Clock
from broker.context import Context, Onward
from broker.deadline import Deadline
from broker.dispatch import Dispatcher
from broker.packets import Request, Response
from broker.tasks import Tasks
from broker.topics import Kind, Topics
from broker.transport import Transport
from broker.wire_errors import INTERNAL_MESSAGE, to_wire
from schema.errors import Internal, Invalid, MeshError

logger = logging.getLogger(__name__)


class RequestReceiver:
    def __init__(
        self,
        node: str,
        *,
        dispatcher: Dispatcher,
        transport: Transport,
        topics: Topics,
        clock: Clock,
        tasks: Tasks,
        onward: Onward,
    ) -> None:
        self._node = node
        self._dispatcher = dispatcher
        self._transport = transport
        self._topics = topics
        self._clock = clock
        self._tasks = tasks
        self._onward = onward

    def receive(self, packet: Request) -> None:
        self._tasks.spawn(self._answer(packet, self._context(packet)))

    def _context(self, packet: Request) -> Context:
        return Context(
            self._onward,
            id=packet.id,
            request_id=packet.request_id,
            service=packet.action.rpartition(".")[0],
            caller=packet.caller,
            level=packet.level,
            meta=packet.meta,
            deadline=Deadline.after(packet.timeout_milliseconds / 1000, self._clock),
            headers=packet.headers,
        )

    async def _answer(self, packet: Request, context: Context) -> None:
        try:
            if packet.stream:
                raise Invalid(f"{packet.action} does not take a stream")
            data = orjson.Fragment(await self._dispatcher.serve(packet.action, context, packet.params))
        except MeshError as error:
            await self._reply(packet, None, error, context.meta)
        else:
            await self._reply(packet, data, None, context.meta)

    async def _reply(self, packet: Request, data: Any, error: MeshError | None, meta: dict[str, Any]) -> None:
        fields = None if error is None else to_wire(error, self._node)
        response = Response(packet.version, self._node, packet.id, data, fields, meta)
        subject = self._topics.of(Kind.RESPONSE, packet.sender)
        try:
            await self._transport.publish(subject, response.encode())
        except (TypeError, Invalid):
            logger.exception("the answer to %s cannot be sent", packet.action)
            unsendable = to_wire(Internal(INTERNAL_MESSAGE), self._node)
            await self._transport.publish(subject, response._replace(data=None, error=unsendable, meta={}).encode())
