"""What a handler knows of the call it serves, and how it calls on: same request, shrinking deadline, shared meta."""

from __future__ import annotations

from collections.abc import AsyncIterable, Coroutine, Iterable, Mapping
from typing import Any, Protocol, TypeVar, overload

from pydantic import BaseModel

from broker.parallel import AT_ONCE, ask_many
from broker.policies import fallback as fallbacks
from broker.policies.call_policy import CallPolicy
from broker.policies.deadline import Deadline
from broker.policies.fallback import Fallback, answer_or
from broker.policies.idempotency import key_of, key_within
from broker.wire.packets import NO_HEADERS
from schema.action import Action, Event
from schema.errors import MeshError
from schema.stream import NO_STREAM, Stream

RequestType = TypeVar("RequestType", bound=BaseModel)
ResponseType = TypeVar("ResponseType")


class Onward(Protocol):
    """What a context needs of its broker to call on."""

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
    ) -> Coroutine[Any, Any, Any]: ...

    async def tell_on(self, context: Context, event: Event[Any], payload: Any, *, broadcast: bool) -> None: ...


class Context:
    __slots__ = (
        "_keys_given",
        "_onward",
        "began_at_seconds",
        "caller",
        "deadline",
        "headers",
        "id",
        "level",
        "meta",
        "received_at_seconds",
        "request_id",
        "service",
        "stream",
    )

    def __init__(
        self,
        onward: Onward,
        id: str,
        request_id: str,
        service: str,
        caller: str | None,
        level: int,
        meta: dict[str, Any],
        deadline: Deadline,
        headers: Mapping[str, Any] = NO_HEADERS,
        stream: Stream[Any] = NO_STREAM,
        received_at_seconds: float = 0.0,
    ) -> None:
        self._onward = onward
        self.id = id
        self.request_id = request_id
        """The same along the whole chain of calls."""
        self.service = service
        """The service that serves the call."""
        self.caller = caller
        """The service that made it, if one did."""
        self.level = level
        """1 for a call that no handler made."""
        self.meta = meta
        """What the handler sets here is merged back into its caller's."""
        self.deadline = deadline
        self.headers = headers
        """What its caller says to this call alone; they are not passed on."""
        self.stream = stream
        """What its caller sends along with the request; ends at once if that is nothing."""
        self.received_at_seconds = self.began_at_seconds = received_at_seconds
        """By the node's clock, of a request from the wire: when it came in, and when its turn had come."""
        self._keys_given: dict[str, int] | None = None

    @property
    def idempotency_key(self) -> str | None:
        """The same in each repeat of this call; None if it is not to be recognised."""
        return key_of(self.headers)

    def key_for(self, action: str, request: Any) -> str | None:
        """The key of a call that this handler makes: a repeat of the handler gives its calls the same keys again,
        in whatever order it makes them."""
        own = self.idempotency_key
        if own is None:
            return None
        if self._keys_given is None:
            self._keys_given = {}
        first = key_within(own, action, request, 0)
        occurrence = self._keys_given.get(first, 0)
        self._keys_given[first] = occurrence + 1
        return key_within(own, action, request, occurrence) if occurrence else first

    def detached(self, deadline: Deadline) -> Context:
        """For work that others wait for too, so that neither this call's deadline nor its meta are theirs."""
        return Context(
            self._onward,
            id=self.id,
            request_id=self.request_id,
            service=self.service,
            caller=self.caller,
            level=self.level,
            meta=dict(self.meta),
            deadline=deadline,
            headers=self.headers,
        )

    @overload
    def call(
        self,
        action: Action[RequestType, ResponseType],
        request: RequestType,
        *,
        deadline_seconds: float | None = None,
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
        headers: Mapping[str, Any] = NO_HEADERS,
        node: str | None = None,
        stream: AsyncIterable[Any] | None = None,
        policy: CallPolicy | None = None,
        fallback: Any = fallbacks.NONE,
    ) -> Coroutine[Any, Any, Any]:
        """`deadline_seconds` can only bring the deadline forward. The rest is as for `Broker.call`."""
        deadline = self.deadline.within(deadline_seconds)
        answer = self._onward.call_on(self, action, request, deadline, headers, node, stream, policy)
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

    async def emit(self, event: Event[RequestType], payload: RequestType) -> None:
        await self._onward.tell_on(self, event, payload, broadcast=False)

    async def broadcast(self, event: Event[RequestType], payload: RequestType) -> None:
        await self._onward.tell_on(self, event, payload, broadcast=True)
