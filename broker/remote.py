"""One request to one node over the wire, and what its answer means."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterable, Callable, Coroutine, Mapping
from typing import Any, Protocol

import orjson
from pydantic import ValidationError

from broker.clock import Clock
from broker.discovery.registry import Registry
from broker.pending import Pending, Waiting
from broker.streams.outflow import Source
from broker.streams.streams import Opening, Streams
from broker.streams.typed_chunks import checked_chunks
from broker.transport import NO_NATS_HEADERS, Transport, doubt_of, post_of
from broker.wire.errors import INTERNAL_MESSAGE, from_wire
from broker.wire.packets import Request, Response
from broker.wire.topics import Kind, Topics
from broker.wire.usual_packets import request_head, write_request
from schema.action import Action
from schema.errors import Internal, Invalid
from schema.stream import Stream

logger = logging.getLogger(__name__)


class Asked(Protocol):
    """What of a call goes on the wire."""

    @property
    def action(self) -> str: ...
    @property
    def params(self) -> bytes: ...
    @property
    def meta(self) -> dict[str, Any]: ...
    @property
    def level(self) -> int: ...
    @property
    def request_id(self) -> str: ...
    @property
    def parent_id(self) -> str | None: ...
    @property
    def caller(self) -> str | None: ...
    @property
    def headers(self) -> Mapping[str, Any]: ...


class Remote:
    def __init__(
        self,
        node: str,
        *,
        transport: Transport,
        topics: Topics,
        registry: Registry,
        pending: Pending,
        streams: Streams,
        clock: Clock,
        next_id: Callable[[], str],
    ) -> None:
        self._node = node
        self._transport = transport
        self._topics = topics
        self._registry = registry
        self._pending = pending
        self._streams = streams
        self._now = clock.now
        self._next_id = next_id
        self._post = post_of(transport)
        self.doubt = doubt_of(transport)
        """Whether the connection still lives."""
        self._requests_to = topics.of(Kind.REQUEST, "")
        self._unheard_at = topics.unheard(node, "")

    def open(
        self, node: str, until_seconds: float, slow_at_seconds: float | None = None, call_id: str | None = None
    ) -> Waiting:
        """To be closed, whatever happens. Each attempt has an id of its own; the first may have the call's."""
        return self._pending.open(call_id or self._next_id(), node, until_seconds, slow_at_seconds)

    @property
    def full(self) -> bool:
        """No more calls may wait for answers."""
        return self._pending.full

    def close(self, waiting: Waiting) -> None:
        self._pending.close(waiting)

    def send(self, waiting: Waiting, call: Asked) -> Coroutine[Any, Any, None] | None:
        """None: it is sent. Otherwise the connection is congested or gone, and what is left to do is to be awaited."""
        try:
            payload = self._usual_request(waiting, call) or self._request(waiting, call).encode()
        except TypeError as error:
            raise Invalid(f"the request to {call.action} is not JSON") from error
        subject, reply = self._requests_to + waiting.node, self._unheard_at + waiting.call
        if self._post(subject, payload, reply, NO_NATS_HEADERS):
            return None
        return self._transport.publish(subject, payload, reply)

    async def send_stream(self, waiting: Waiting, call: Asked, chunks: AsyncIterable[Any]) -> Response:
        """What is answered before all was sent ends the sending, unless the answer is a stream itself."""
        source = await Source.of(Stream(chunks))
        opening = Opening(waiting.node, Kind.REQUEST, self._request(waiting, call))
        sending = await self._streams.begin(opening, source, self._topics.unheard(self._node, waiting.call))
        answered_by_stream = False
        try:
            response = await waiting.last_answer()
            answered_by_stream = response.stream
            return response
        finally:
            if not answered_by_stream:
                sending.cancel()

    def _usual_request(self, waiting: Waiting, call: Asked) -> bytes | None:
        """None unless the call begins a chain and carries nothing along, as most do."""
        if call.meta or call.headers or call.level != 1 or call.request_id is not waiting.call:
            return None
        milliseconds = (waiting.until_seconds - self._now()) * 1000
        head = request_head(self._version_of(waiting.node), self._node, call.action)
        return write_request(head, waiting.call, call.params, max(0.0, milliseconds))

    def _request(self, waiting: Waiting, call: Asked) -> Request:
        return Request(
            self._version_of(waiting.node),
            self._node,
            waiting.call,
            call.action,
            orjson.Fragment(call.params),
            call.meta,
            max(0.0, waiting.until_seconds - self._now()) * 1000,
            call.level,
            call.request_id,
            call.parent_id,
            call.caller,
            call.headers,
        )

    def _version_of(self, node: str) -> str:
        known = self._registry.get(node)
        return known.info.version if known else "5"


def checked_answer(contract: Action[Any, Any] | None, response: Response) -> Any:
    """What the node answered; raises the error that it answered with."""
    if response.error is not None:
        raise from_wire(response.error)
    if contract is None:
        return response.data
    try:
        checked = contract.response_adapter.validator.validate_python(response.data)
    except ValidationError as error:
        logger.error("%s answered %s with something else: %s", response.sender, contract.name, error)  # noqa: TRY400
        raise Internal(INTERNAL_MESSAGE) from None
    return checked if contract.chunk_adapter is None else Stream(checked_chunks(contract, checked, response.sender))
