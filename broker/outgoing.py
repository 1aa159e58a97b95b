"""What leaves a node on behalf of its callers and handlers: calls and events, here or over the wire."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any

from broker.calls import Call, Caller
from broker.clock import Clock
from broker.context import Context
from broker.current_request import current_request
from broker.dispatch import Dispatcher, check_request
from broker.events import EVENT_SECONDS, EventReceiver, EventSender, payload_fields
from broker.middleware import Middleware, around_calls
from broker.policies.call_policy import DEFAULT, CallPolicy
from broker.policies.deadline import Deadline
from broker.policies.idempotency import KEY_HEADER
from broker.wire.packets import NO_HEADERS, EventPacket
from broker.wire.trace_context import TRACEPARENT, passed_on, read
from schema.action import Action, Event
from schema.stream import NO_STREAM, Stream


class Outgoing:
    def __init__(
        self,
        node: str,
        protocol: str,
        *,
        caller: Caller,
        policies: Mapping[str, CallPolicy],
        middlewares: Sequence[Middleware],
        dispatcher: Dispatcher,
        sender: EventSender,
        receiver: EventReceiver,
        clock: Clock,
        next_id: Callable[[], str],
    ) -> None:
        self._node = node
        self._protocol = protocol
        self._caller = caller
        self._policies = policies
        self._dispatcher = dispatcher
        self._sender = sender
        self._receiver = receiver
        self._clock = clock
        self._next_id = next_id
        self._make = around_calls(middlewares, caller.call)
        caller.local = self.call_local

    def call(
        self,
        action: Action[Any, Any] | str,
        request: Any,
        deadline_seconds: float | None,
        meta: dict[str, Any] | None,
        headers: Mapping[str, Any],
        node: str | None,
        stream: AsyncIterable[Any] | None,
        policy: CallPolicy | None,
        request_id: str | None = None,
    ) -> Coroutine[Any, Any, Any]:
        """A call that no handler makes: the start of a chain."""
        if isinstance(action, str):
            name, contract = action, None
        else:
            name, contract = action.name, action
            if not isinstance(request, action.request):
                request = check_request(action.request, request)
        if policy is None:
            policy = self._policies.get(name, DEFAULT)
        call_id = self._next_id()
        if headers and request_id is None and (parent := read(headers.get(TRACEPARENT))) is not None:
            request_id = parent.trace
        if KEY_HEADER not in headers and self._caller.keyed(name, contract):
            headers = {**headers, KEY_HEADER: call_id}
        seconds = policy.deadline_seconds if deadline_seconds is None else deadline_seconds
        return self._make(
            Call(
                name,
                contract,
                request,
                {} if meta is None else meta,
                Deadline(self._clock.now() + seconds, self._clock),
                call_id,
                request_id or call_id,
                1,
                None,
                None,
                headers,
                node,
                stream,
                policy,
            )
        )

    def call_on(
        self,
        context: Context,
        action: Action[Any, Any] | str,
        request: Any,
        deadline: Deadline,
        headers: Mapping[str, Any],
        node: str | None,
        stream: AsyncIterable[Any] | None,
        policy: CallPolicy | None,
    ) -> Coroutine[Any, Any, Any]:
        """A call that a handler makes."""
        if isinstance(action, str):
            name, contract = action, None
        else:
            name, contract = action.name, action
            if not isinstance(request, action.request):
                request = check_request(action.request, request)
        if policy is None:
            policy = self._policies.get(name, DEFAULT)
        if TRACEPARENT in context.headers:
            headers = {**passed_on(context.headers), **headers}
        if KEY_HEADER not in headers and self._caller.keyed(name, contract):
            headers = _with_key(headers, context.key_for(name, request))
        return self._make(
            Call(
                name,
                contract,
                request,
                context.meta,
                deadline,
                self._next_id(),
                context.request_id,
                context.level + 1,
                context.id,
                context.service,
                headers,
                node,
                stream,
                policy,
            )
        )

    async def call_local(self, call: Call) -> Any:
        context = Context(
            self,
            id=call.id,
            request_id=call.request_id,
            service=call.action.rpartition(".")[0],
            caller=call.caller,
            level=call.level,
            meta=call.meta,
            deadline=call.deadline,
            headers=call.headers,
            stream=NO_STREAM if call.stream is None else Stream(call.stream),
        )
        typed, nested = call.contract is not None, call.level > 1
        before = current_request.set(context)
        try:
            return await self._dispatcher.serve_local(call.action, context, call.request, nested=nested, typed=typed)
        finally:
            current_request.reset(before)

    async def tell(
        self, event: Event[Any], payload: Any, *, broadcast: bool, headers: Mapping[str, Any] = NO_HEADERS
    ) -> None:
        await self._tell(self._packet(event, payload, broadcast)._replace(headers=headers), payload)

    async def tell_on(self, context: Context, event: Event[Any], payload: Any, *, broadcast: bool) -> None:
        packet = self._packet(event, payload, broadcast)._replace(
            meta=context.meta,
            level=context.level + 1,
            request_id=context.request_id,
            parent_id=context.id,
            caller=context.service,
            headers=passed_on(context.headers),
        )
        await self._tell(packet, payload)

    async def _tell(self, packet: EventPacket, payload: Any) -> None:
        """Here first: what happens on this node must not depend on the others."""
        chosen = self._sender.all(packet.event) if packet.broadcast else self._sender.chosen(packet.event)
        if (groups := chosen.pop(self._node, None)) is not None:
            self._receiver.deliver(packet.event, groups, payload, partial(self.event_context, packet))
        for node, groups in chosen.items():
            await self._sender.send(node, packet._replace(groups=tuple(groups)))

    def receive_event(self, packet: EventPacket) -> None:
        self._receiver.deliver(packet.event, packet.groups, packet.data, partial(self.event_context, packet))

    def event_context(self, packet: EventPacket, service: str) -> Context:
        return Context(
            self,
            id=packet.id,
            request_id=packet.request_id,
            service=service,
            caller=packet.caller,
            level=packet.level,
            meta=dict(packet.meta),
            deadline=Deadline.after(EVENT_SECONDS, self._clock),
            headers=packet.headers,
        )

    def _packet(self, event: Event[Any], payload: Any, broadcast: bool) -> EventPacket:
        packet_id = self._next_id()
        return EventPacket(
            version=self._protocol,
            sender=self._node,
            id=packet_id,
            event=event.name,
            data=payload_fields(event, payload),
            groups=(),
            broadcast=broadcast,
            meta={},
            level=1,
            request_id=packet_id,
            parent_id=None,
            caller=None,
        )


def _with_key(headers: Mapping[str, Any], key: str | None) -> Mapping[str, Any]:
    return headers if key is None else {**headers, KEY_HEADER: key}
