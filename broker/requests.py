"""Requests from the wire: each in a task of its own, and each answered, so that nobody waits for nothing."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import orjson

from broker.clock import Clock
from broker.context import Context, Onward
from broker.current_request import current_request
from broker.dispatch import Dispatcher
from broker.load_reports import LoadReports
from broker.policies.deadline import Deadline
from broker.streams.outflow import first_chunk
from broker.streams.streams import Opening, Streams, without_flags
from broker.tasks import Tasks
from broker.transport import Headers, Transport, post_of
from broker.wire.errors import INTERNAL_MESSAGE, to_wire
from broker.wire.packets import Request, Response
from broker.wire.topics import Kind, Topics
from broker.wire.usual_packets import response_head, write_response
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
        reports: LoadReports,
    ) -> None:
        self._node = node
        self._dispatcher = dispatcher
        self._transport = transport
        self._clock = clock
        self._now = clock.now
        self._reports = reports
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
            self._tasks.spawn(self._reply(packet, self._context(packet), None, error))
            return
        if stream is not None:
            packet = packet._replace(meta=without_flags(packet.meta), headers=without_flags(packet.headers))
            self._tasks.spawn(self._answer_stream(packet, self._context(packet, stream)))

    def _context(self, packet: Request, stream: Stream[Any] = NO_STREAM) -> Context:
        now_seconds = self._now()
        return Context(
            self._onward,
            packet.id,
            packet.request_id,
            packet.action.rpartition(".")[0],
            packet.caller,
            packet.level,
            packet.meta,
            Deadline(now_seconds + packet.timeout_milliseconds / 1000, self._clock),
            packet.headers,
            stream,
            now_seconds,
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
            await self._reply(packet, context, None, error)
            return
        if context.meta:
            await self._reply(packet, context, orjson.Fragment(answer), None)
            return
        payload = write_response(response_head(packet.version, self._node), packet.id, answer)
        subject, headers = self._answers_to + packet.sender, self._reports.headers(packet.sender, context, self._now())
        if not self._post(subject, payload, "", headers):
            await self._publish(packet, payload, headers)

    async def _reply_by_stream(self, packet: Request, context: Context, stream: Stream[Any]) -> None:
        """Raises what fails before the first chunk; later failures end the stream."""
        source = await first_chunk(stream, context.deadline)
        response = Response(packet.version, self._node, packet.id, None, None, context.meta)
        sending = await self._streams.begin(Opening(packet.sender, Kind.RESPONSE, response), source)
        await asyncio.wait({sending})

    async def _reply(self, packet: Request, context: Context, data: Any, error: MeshError | None) -> None:
        fields = None if error is None else to_wire(error, self._node, packet.action)
        response = Response(packet.version, self._node, packet.id, data, fields, context.meta)
        try:
            payload = response.encode()
        except TypeError:
            payload = self._unsendable(packet)
        await self._publish(packet, payload, self._reports.headers(packet.sender, context, self._now()))

    async def _publish(self, packet: Request, payload: bytes, headers: Headers) -> None:
        subject = self._answers_to + packet.sender
        try:
            await self._transport.publish(subject, payload, "", headers)
        except Invalid:
            await self._transport.publish(subject, self._unsendable(packet))

    def _unsendable(self, packet: Request) -> bytes:
        logger.exception("the answer to %s cannot be sent", packet.action)
        error = to_wire(Internal(INTERNAL_MESSAGE), self._node)
        return Response(packet.version, self._node, packet.id, None, error, {}).encode()
