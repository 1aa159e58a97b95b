"""What callers see of a broker: calls, many calls, events."""

from __future__ import annotations

from collections.abc import AsyncIterable, Coroutine, Iterable, Mapping
from typing import Any, TypeVar, overload

from pydantic import BaseModel

from broker.outgoing import Outgoing
from broker.parallel import AT_ONCE, ask_many
from broker.policies import fallback as fallbacks
from broker.policies.call_policy import CallPolicy
from broker.policies.fallback import Fallback, answer_or
from broker.wire.packets import NO_HEADERS
from schema.action import Action, Event
from schema.errors import MeshError

RequestType = TypeVar("RequestType", bound=BaseModel)
ResponseType = TypeVar("ResponseType")


class Calling:
    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing

    @overload
    def call(
        self,
        action: Action[RequestType, ResponseType],
        request: RequestType,
        *,
        deadline_seconds: float | None = None,
        meta: dict[str, Any] | None = None,
        request_id: str | None = None,
        headers: Mapping[str, Any] = NO_HEADERS,
        node: str | None = None,
        stream: AsyncIterable[Any] | None = None,
        policy: CallPolicy | None = None,
        fallback: Fallback[ResponseType] = fallbacks.NONE,
    ) -> Coroutine[Any, Any, ResponseType]: ...

    @overload
    def call(
        self,
        action: str,
        request: Any,
        *,
        deadline_seconds: float | None = None,
        meta: dict[str, Any] | None = None,
        request_id: str | None = None,
        headers: Mapping[str, Any] = NO_HEADERS,
        node: str | None = None,
        stream: AsyncIterable[Any] | None = None,
        policy: CallPolicy | None = None,
        fallback: Any = fallbacks.NONE,
    ) -> Coroutine[Any, Any, Any]: ...

    def call(
        self,
        action: Action[Any, Any] | str,
        request: Any,
        *,
        deadline_seconds: float | None = None,
        meta: dict[str, Any] | None = None,
        request_id: str | None = None,
        headers: Mapping[str, Any] = NO_HEADERS,
        node: str | None = None,
        stream: AsyncIterable[Any] | None = None,
        policy: CallPolicy | None = None,
        fallback: Any = fallbacks.NONE,
    ) -> Coroutine[Any, Any, Any]:
        """By contract: a checked response. By name: plain JSON values. Raises `MeshError` only.

        What the callee puts into its meta is merged into `meta`; `headers` are for this call alone, but a `traceparent`
        among them is passed on; `request_id` names the chain of calls that begins here; `node` is the only one to ask.
        A `stream` of bytes or of JSON values goes along, and such a call is made once; an action may answer with a
        `Stream`. `policy` is for this call instead of the action's; `fallback` answers when nobody can."""
        answer = self._outgoing.call(action, request, deadline_seconds, meta, headers, node, stream, policy, request_id)
        return answer if fallback is fallbacks.NONE else answer_or(answer, fallback)

    async def call_many(
        self,
        action: Action[RequestType, ResponseType],
        requests: Iterable[RequestType],
        *,
        at_once: int = AT_ONCE,
        deadline_seconds: float | None = None,
    ) -> list[ResponseType | MeshError]:
        """An answer or an error for each, in their order; `deadline_seconds` is for each."""

        async def ask(request: RequestType) -> ResponseType:
            return await self.call(action, request, deadline_seconds=deadline_seconds)

        return await ask_many(ask, requests, at_once)

    async def emit(
        self, event: Event[RequestType], payload: RequestType, *, headers: Mapping[str, Any] = NO_HEADERS
    ) -> None:
        """To one node of each listening group, at most once."""
        await self._outgoing.tell(event, payload, broadcast=False, headers=headers)

    async def broadcast(
        self, event: Event[RequestType], payload: RequestType, *, headers: Mapping[str, Any] = NO_HEADERS
    ) -> None:
        """To every listening node, this one too, at most once."""
        await self._outgoing.tell(event, payload, broadcast=True, headers=headers)
