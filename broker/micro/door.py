"""The second door into the mesh: each published action is an endpoint `<service>.<verb>` for any NATS client.

    nats req courses.term '{"code":"2168"}'
    nats req courses.term '{"code":"2168"}' -H Localgroup-Timeout-Ms:500

Plain JSON goes in and comes out. Behind the door is the same dispatcher that serves the mesh's nodes, so the same
checks, bounds, deadlines and errors hold. In a namespace, that name comes first: `<namespace>.<service>.<verb>`.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import Any, Protocol, get_origin, runtime_checkable

import orjson

from broker.clock import Clock
from broker.config import DEADLINE_SECONDS
from broker.context import Context, Onward
from broker.current_request import current_request
from broker.dispatch import Dispatcher
from broker.micro.errors import Failure, describe
from broker.micro.service import QUEUE_GROUP, Endpoint, MicroService
from broker.nats import headers as nats_headers
from broker.nats.subscriptions import Take
from broker.policies.deadline import Deadline
from broker.service import Service, bound_actions
from broker.tasks import Tasks
from broker.transport import NO_NATS_HEADERS, Headers
from broker.wire.errors import INTERNAL_MESSAGE
from broker.wire.packets import NO_HEADERS
from broker.wire.topics import parse
from broker.wire.trace_context import TRACEPARENT, passed_on, read
from schema.action import Action
from schema.errors import Internal, Invalid, MeshError
from schema.stream import Stream

TIMEOUT_HEADER = "Localgroup-Timeout-Ms"
TIMEOUT_SECONDS_MAX = 60.0
"""Strangers may wait for long, but not keep this node working for longer."""
VERSION = "1.0.0"
"""Of a service that does not say: ADR-32 wants three numbers."""

logger = logging.getLogger(__name__)


@runtime_checkable
class Listening(Protocol):
    """What the door needs of a transport: reply subjects, headers, queue groups."""

    @property
    def max_payload_bytes(self) -> int: ...

    def listen(self, subject: str, take: Take, queue: str = "") -> int: ...

    async def leave(self, *numbers: int) -> None: ...

    async def flush(self) -> None: ...

    async def publish(
        self, subject: str, payload: bytes, reply: str = "", headers: Headers = NO_NATS_HEADERS
    ) -> None: ...


class Door:
    def __init__(
        self,
        transport: object,
        *,
        namespace: str,
        metadata: dict[str, str],
        dispatcher: Dispatcher,
        onward: Onward,
        clock: Clock,
        tasks: Tasks,
        next_id: Callable[[], str],
    ) -> None:
        self._transport = transport if isinstance(transport, Listening) else None
        self._prefix = f"{namespace}." if namespace else ""
        self._metadata = metadata | ({"namespace": namespace} if namespace else {})
        self._dispatcher = dispatcher
        self._onward = onward
        self._clock = clock
        self._tasks = tasks
        self._next_id = next_id
        self._services: dict[str, MicroService] = {}
        self._open: dict[str, list[int]] = {}
        """Service to the numbers of its subscriptions."""

    def add(self, service: Service) -> None:
        contracts = (bound.contract for bound in bound_actions(service) if bound.contract not in service.private)
        endpoints = [
            Endpoint(contract, f"{self._prefix}{contract.name}") for contract in contracts if not _streams(contract)
        ]
        if not endpoints:
            return
        self._services[service.full_name()] = MicroService(
            service.name,
            self._next_id(),
            version=f"{service.version}.0.0" if isinstance(service.version, int) else VERSION,
            description=(type(service).__doc__ or "").strip().partition("\n")[0],
            metadata=self._metadata,
            endpoints=endpoints,
            started_at_milliseconds=self._clock.epoch_milliseconds(),
        )

    async def offer(self, services: Collection[str]) -> None:
        """Exactly these, of those that were added. What was on its way to the others is still answered."""
        if self._transport is None:
            if services and self._services:
                logger.info("the micro door stays closed: this transport has neither reply subjects nor headers")
            return
        await self._open_those(self._transport, [name for name in services if name not in self._open])
        closing = [name for name in self._open if name not in services]
        await self._transport.leave(*(number for name in closing for number in self._open.pop(name)))

    async def _open_those(self, transport: Listening, names: Iterable[str]) -> None:
        opening = [name for name in names if name in self._services]
        for name in opening:
            self._open[name] = list(self._listen(transport, self._services[name]))
        if opening:
            with contextlib.suppress(MeshError):  # whoever serves us next is told of them again
                await transport.flush()

    def _listen(self, transport: Listening, service: MicroService) -> Iterable[int]:
        for endpoint in service.endpoints:
            yield transport.listen(endpoint.subject, partial(self._receive, transport, endpoint), QUEUE_GROUP)
        for subject, verb in service.subjects().items():
            yield transport.listen(subject, partial(self._describe, transport, service, verb))

    # --- questions about a service --------------------------------------------------------------------------

    def _describe(
        self, transport: Listening, service: MicroService, verb: str, subject: str, reply: str, header: bytes, _: bytes
    ) -> None:
        if _may_hear(reply):
            answer = service.answer(verb, transport.max_payload_bytes)
            self._tasks.spawn(transport.publish(reply, answer))

    # --- requests -------------------------------------------------------------------------------------------

    def _receive(
        self, transport: Listening, endpoint: Endpoint, subject: str, reply: str, header: bytes, payload: bytes
    ) -> None:
        self._tasks.spawn(self._serve(transport, endpoint, reply, header, payload))

    async def _serve(self, transport: Listening, endpoint: Endpoint, reply: str, header: bytes, payload: bytes) -> None:
        began_at_seconds = self._clock.now()
        failure: Failure | None = None
        try:
            answer = await self._answer(endpoint, header, payload)
            if len(answer) > transport.max_payload_bytes:
                logger.error("an answer of %s is too large: %d bytes", endpoint.subject, len(answer))
                raise Internal(INTERNAL_MESSAGE)
        except MeshError as error:
            failure = describe(error)
        endpoint.note(self._clock.now() - began_at_seconds, failure)
        if _may_hear(reply) and failure is None:
            await transport.publish(reply, answer)
        elif _may_hear(reply) and failure is not None:
            await transport.publish(reply, failure.body, headers=failure.headers)

    async def _answer(self, endpoint: Endpoint, header: bytes, payload: bytes) -> bytes:
        values = nats_headers.decode(header).values if header else NO_HEADERS
        trace, call_id = passed_on(values), self._next_id()
        parent = read(trace.get(TRACEPARENT))
        context = Context(
            self._onward,
            id=call_id,
            request_id=call_id if parent is None else parent.trace,
            service=endpoint.contract.service,
            caller=None,
            level=1,
            meta={},
            deadline=Deadline.after(_timeout_seconds(values), self._clock),
            headers=trace,
        )
        current_request.set(context)
        return await self._dispatcher.serve(endpoint.contract.name, context, _parsed(payload))


def _streams(contract: Action[Any, Any]) -> bool:
    """A request has one reply: what answers with more has no place here."""
    return contract.response is Stream or get_origin(contract.response) is Stream


def _parsed(payload: bytes) -> Any:
    """No payload asks for nothing in particular."""
    if not payload:
        return None
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError:
        raise Invalid("the request is not JSON") from None


def _timeout_seconds(values: Mapping[str, str]) -> float:
    text = values.get(TIMEOUT_HEADER)
    if text is None:
        return DEADLINE_SECONDS
    if not (text.isascii() and text.isdecimal()):
        raise Invalid(f"{TIMEOUT_HEADER} is not a number of milliseconds")
    return min(int(text[:10]) / 1000, TIMEOUT_SECONDS_MAX)


def _may_hear(reply: str) -> bool:
    """A stranger must not make this node speak, with its own permissions, where nodes or the server listen."""
    return bool(reply) and not reply.startswith("$") and parse(reply) is None
