"""The caller's side of a call: choose a node, ask it, and, where that is harmless, ask another if it fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, NamedTuple, Protocol

import orjson
from pydantic import BaseModel, ValidationError

from broker.clock import Clock
from broker.deadline import Deadline
from broker.ejection import Ejections
from broker.metrics import OK, UNKNOWN_ACTION, Metrics
from broker.outflow import Source
from broker.packets import NO_HEADERS, Request, Response
from broker.pending import Pending
from broker.refusals import Late, NotServed
from broker.registry import Endpoint, Registry
from broker.retry import ATTEMPT_SHARE, RetryBudget, is_free, may_repeat
from broker.strategy import Strategy
from broker.streams import Opening, Streams
from broker.topics import Kind, Topics
from broker.transport import Transport
from broker.wire_errors import INTERNAL_MESSAGE, from_wire
from schema.action import Action
from schema.errors import Internal, Invalid, MeshError
from schema.stream import Stream

LEVEL_MAX = 32
"""Calls nest this deep at most: beyond it, services call each other in a circle."""

logger = logging.getLogger(__name__)


class Call(NamedTuple):
    action: str
    contract: Action[Any, Any] | None
    """None: an untyped call, of plain JSON values."""
    request: Any
    meta: dict[str, Any]
    """What the callee sets is merged into it."""
    deadline: Deadline
    id: str
    request_id: str
    level: int = 1
    parent_id: str | None = None
    caller: str | None = None
    headers: Mapping[str, Any] = NO_HEADERS
    node: str | None = None
    """The only node that may be asked; None: whichever is best."""
    stream: AsyncIterable[Any] | None = None
    """Goes along with the request. It can be read once, so such a call is made once."""

    @property
    def params(self) -> Any:
        return orjson.Fragment(self.request.model_dump_json()) if isinstance(self.request, BaseModel) else self.request


class Local(Protocol):
    def __call__(self, call: Call) -> Awaitable[Any]: ...


class Caller:
    def __init__(
        self,
        *,
        node: str,
        transport: Transport,
        topics: Topics,
        registry: Registry,
        strategy: Strategy,
        pending: Pending,
        streams: Streams,
        ejections: Ejections,
        budget: RetryBudget,
        metrics: Metrics,
        clock: Clock,
        next_id: Callable[[], str],
    ) -> None:
        self._node = node
        self._transport = transport
        self._topics = topics
        self._registry = registry
        self._strategy = strategy
        self._pending = pending
        self._streams = streams
        self._ejections = ejections
        self._budget = budget
        self._metrics = metrics
        self._clock = clock
        self._next_id = next_id

    async def call(self, call: Call, local: Local) -> Any:
        """`local` serves the call if this node is chosen."""
        if call.level > LEVEL_MAX:
            raise Internal(f"calls nest deeper than {LEVEL_MAX}")
        started_at_seconds = self._clock.now()
        code = OK
        try:
            return await self._until_answered(call, local)
        except MeshError as error:
            code = error.code
            raise
        finally:
            label = call.action if self._registry.endpoints(call.action) else UNKNOWN_ACTION
            self._metrics.call(label, code, self._clock.now() - started_at_seconds)

    async def _until_answered(self, call: Call, local: Local) -> Any:
        self._budget.note_call()
        tried: set[str] = set()
        failure: MeshError | None = None
        while endpoint := self._choose(call, tried):
            if failure is not None and not self._may_repeat(call, endpoint, failure):
                break
            try:
                return await self._attempt(endpoint, self._limited(endpoint, call, tried), local)
            except MeshError as error:
                failure = error
                tried.add(endpoint.node)
        raise failure or NotServed(_nobody(call))

    def _choose(self, call: Call, tried: set[str]) -> Endpoint | None:
        candidates = self._registry.endpoints(call.action)
        if tried:
            candidates = tuple(endpoint for endpoint in candidates if endpoint.node not in tried)
        if call.node is not None:
            candidates = tuple(endpoint for endpoint in candidates if endpoint.node == call.node)
        return self._strategy.choose(self._ejections.admitted(candidates)) if candidates else None

    def _others(self, action: str, tried: set[str], chosen: Endpoint) -> bool:
        return any(each.node != chosen.node and each.node not in tried for each in self._registry.endpoints(action))

    def _may_repeat(self, call: Call, endpoint: Endpoint, failure: MeshError) -> bool:
        safe = _is_safe(call, endpoint)
        if (
            call.stream is not None
            or call.deadline.passed
            or not may_repeat(failure, safe=safe, outermost=call.level == 1)
        ):
            return False
        if not is_free(failure) and not self._budget.spend():
            return False
        self._metrics.repeat(call.action, failure.code)
        return True

    def _limited(self, endpoint: Endpoint, call: Call, tried: set[str]) -> Call:
        """A call that can be repeated leaves time for it."""
        if call.level > 1 or call.node is not None or call.stream is not None or not _is_safe(call, endpoint):
            return call
        if not self._others(call.action, tried, endpoint):
            return call
        return call._replace(deadline=call.deadline.within(call.deadline.remaining_seconds() * ATTEMPT_SHARE))

    async def _attempt(self, endpoint: Endpoint, call: Call, local: Local) -> Any:
        try:
            answer = await (local(call) if endpoint.local else self._remote(endpoint, call))
        except MeshError as error:
            self._ejections.note_failure(endpoint.node, error)
            raise
        self._ejections.note_success(endpoint.node)
        return answer

    async def _remote(self, endpoint: Endpoint, call: Call) -> Any:
        if call.deadline.passed:
            raise Late("the deadline had passed before the call was made")
        packet_id = self._next_id()
        answer = self._pending.open(packet_id, endpoint.node, call.deadline)
        try:
            if call.stream is None:
                await self._send(endpoint.node, packet_id, call)
                response = await answer
            else:
                response = await self._send_stream(endpoint.node, packet_id, call, answer)
        finally:
            self._pending.close(packet_id)
        if response.error is not None:
            raise from_wire(response.error)
        call.meta.update(response.meta)
        return response.data if call.contract is None else _checked(call.contract, response.data, endpoint.node)

    async def _send(self, node: str, packet_id: str, call: Call) -> None:
        packet = self._request(node, packet_id, call)
        try:
            payload = packet.encode()
        except TypeError as error:
            raise Invalid(f"the request to {call.action} is not JSON") from error
        reply = self._topics.unheard(self._node, packet_id)
        await self._transport.publish(self._topics.of(Kind.REQUEST, node), payload, reply)

    async def _send_stream(self, node: str, packet_id: str, call: Call, answer: asyncio.Future[Response]) -> Response:
        """What is answered before all was sent ends the sending, unless the answer is a stream itself."""
        assert call.stream is not None
        source = await Source.of(Stream(call.stream))
        opening = Opening(node, Kind.REQUEST, self._request(node, packet_id, call))
        sending = await self._streams.begin(opening, source, self._topics.unheard(self._node, packet_id))
        answered_by_stream = False
        try:
            response = await answer
            answered_by_stream = response.stream
            return response
        finally:
            if not answered_by_stream:
                sending.cancel()

    def _request(self, node: str, packet_id: str, call: Call) -> Request:
        known = self._registry.get(node)
        return Request(
            version=known.info.version if known else "5",
            sender=self._node,
            id=packet_id,
            action=call.action,
            params=call.params,
            meta=call.meta,
            timeout_milliseconds=call.deadline.remaining_seconds() * 1000,
            level=call.level,
            request_id=call.request_id,
            parent_id=call.parent_id,
            caller=call.caller,
            headers=call.headers,
        )


def _nobody(call: Call) -> str:
    return f"no node serves {call.action}" if call.node is None else f"{call.node} does not serve {call.action}"


def _is_safe(call: Call, endpoint: Endpoint) -> bool:
    return endpoint.safe if call.contract is None else call.contract.safe


def _checked(contract: Action[Any, Any], data: Any, node: str) -> Any:
    try:
        checked = contract.response_adapter.validate_python(data)
        return checked if contract.chunk_adapter is None else Stream(_checked_chunks(contract, checked, node))
    except ValidationError as error:
        logger.error("%s answered %s with something else: %s", node, contract.name, error)  # noqa: TRY400
        raise Internal(INTERNAL_MESSAGE) from None


async def _checked_chunks(contract: Action[Any, Any], stream: Stream[Any], node: str) -> AsyncIterator[Any]:
    assert contract.chunk_adapter is not None
    async with stream:
        async for chunk in stream:
            try:
                yield contract.chunk_adapter.validate_python(chunk)
            except ValidationError as error:
                logger.error("%s sent a chunk of %s that is something else: %s", node, contract.name, error)  # noqa: TRY400
                raise Internal(INTERNAL_MESSAGE) from None
