"""Requests from the wire: each in a task of its own, and each answered, so that nobody waits for nothing."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import orjson

from broker.clock import Clock
from broker.context import Context, Onward
from broker.current_request import current_request
from broker.deadline import Deadline
from broker.dispatch import Dispatcher
from broker.outflow import first_chunk
from broker.packets import Request, Response
from broker.streams import Opening, Streams, without_flags
from broker.tasks import Tasks
from broker.topics import Kind, Topics
from broker.transport import Transport, post_of
from broker.wire_errors import INTERNAL_MESSAGE, to_wire
from schema.errors import Internal, Invalid, MeshError, TooMany
from schema.stream import NO_STREAM, Stream

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
        streams: Streams,
    ) -> None:
        self._node = node
        self._dispatcher = dispatcher
        self._transport = transport
        self._clock = clock
        self._tasks = tasks
        self._onward = onward
        self._streams = streams
        self._post = post_of(transport)
        self._answers_to = topics.of(Kind.RESPONSE, "")

    def receive(self, packet: Request) -> None:
        if packet.seq is None:
            self._tasks.spawn(self._answer(packet, self._context(packet)))
        else:
            self._receive_part(packet)

    def _receive_part(self, packet: Request) -> None:
        """The first part of a stream is a request as well."""
        try:
            stream = self._streams.receive(packet)
        except TooMany as error:
            self._tasks.spawn(self._reply(packet, None, error, packet.meta))
            return
        if stream is not None:
            packet = packet._replace(meta=without_flags(packet.meta), headers=without_flags(packet.headers))
            self._tasks.spawn(self._answer_stream(packet, self._context(packet, stream)))

    def _context(self, packet: Request, stream: Stream[Any] = NO_STREAM) -> Context:
        return Context(
            self._onward,
            id=packet.id,
            request_id=packet.request_id,
            service=packet.action.rpartition(".")[0],
            caller=packet.caller,
            level=packet.level,
            meta=packet.meta,
            deadline=Deadline(self._clock.now() + packet.timeout_milliseconds / 1000, self._clock),
            headers=packet.headers,
            stream=stream,
        )

    async def _answer_stream(self, packet: Request, context: Context) -> None:
        """What the handler did not read of it is not wanted any more."""
        async with context.stream:
            await self._answer(packet, context)

    async def _answer(self, packet: Request, context: Context) -> None:
        current_request.set(context)
        try:
            answer = await self._dispatcher.answer(packet.action, context, packet.params)
            if isinstance(answer, Stream):
                await self._reply_by_stream(packet, context, answer)
                return
        except MeshError as error:
            await self._reply(packet, None, error, context.meta)
        else:
            await self._reply(packet, orjson.Fragment(answer), None, context.meta)

    async def _reply_by_stream(self, packet: Request, context: Context, stream: Stream[Any]) -> None:
        """Raises what fails before the first chunk; later failures end the stream."""
        source = await first_chunk(stream, context.deadline)
        response = Response(packet.version, self._node, packet.id, None, None, context.meta)
        sending = await self._streams.begin(Opening(packet.sender, Kind.RESPONSE, response), source)
        await asyncio.wait({sending})

    async def _reply(self, packet: Request, data: Any, error: MeshError | None, meta: dict[str, Any]) -> None:
        fields = None if error is None else to_wire(error, self._node, packet.action)
        response = Response(packet.version, self._node, packet.id, data, fields, meta)
        subject = self._answers_to + packet.sender
        try:
            payload = response.encode()
            if not self._post(subject, payload, ""):
                await self._transport.publish(subject, payload)
        except (TypeError, Invalid):
            logger.exception("the answer to %s cannot be sent", packet.action)
            unsendable = to_wire(Internal(INTERNAL_MESSAGE), self._node)
            await self._transport.publish(subject, response._replace(data=None, error=unsendable, meta={}).encode())
