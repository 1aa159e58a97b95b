"""What a handler knows of the call it serves, and how it calls on: same request, shrinking deadline, shared meta."""

from __future__ import annotations

from collections.abc import AsyncIterable, Mapping
from typing import Any, Protocol, TypeVar, overload

from pydantic import BaseModel

from broker.deadline import Deadline
from broker.packets import NO_HEADERS
from schema.action import Action, Event
from schema.stream import NO_STREAM, Stream

RequestType = TypeVar("RequestType", bound=BaseModel)
ResponseType = TypeVar("ResponseType")


class Onward(Protocol):
    """What a context needs of its broker to call on."""

    async def call_on(
        self,
        context: Context,
        action: Action[Any, Any] | str,
        request: Any,
        deadline: Deadline,
        headers: Mapping[str, Any],
        node: str | None,
        stream: AsyncIterable[Any] | None,
    ) -> Any: ...

    async def tell_on(self, context: Context, event: Event[Any], payload: Any, *, broadcast: bool) -> None: ...


class Context:
    __slots__ = ("_onward", "caller", "deadline", "headers", "id", "level", "meta", "request_id", "service", "stream")

    def __init__(
        self,
        onward: Onward,
        *,
        id: str,
        request_id: str,
        service: str,
        caller: str | None,
        level: int,
        meta: dict[str, Any],
        deadline: Deadline,
        headers: Mapping[str, Any] = NO_HEADERS,
        stream: Stream[Any] = NO_STREAM,
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

    @overload
    async def call(
        self,
        action: Action[RequestType, ResponseType],
        request: RequestType,
        *,
        deadline_seconds: float | None = None,
        headers: Mapping[str, Any] = NO_HEADERS,
        node: str | None = None,
        stream: AsyncIterable[Any] | None = None,
    ) -> ResponseType: ...

    @overload
    async def call(
        self,
        action: str,
        request: Any,
        *,
        deadline_seconds: float | None = None,
        headers: Mapping[str, Any] = NO_HEADERS,
        node: str | None = None,
        stream: AsyncIterable[Any] | None = None,
    ) -> Any: ...

    async def call(
        self,
        action: Action[Any, Any] | str,
        request: Any,
        *,
        deadline_seconds: float | None = None,
        headers: Mapping[str, Any] = NO_HEADERS,
        node: str | None = None,
        stream: AsyncIterable[Any] | None = None,
    ) -> Any:
        """`deadline_seconds` can only bring the deadline forward. A `stream` of bytes or of JSON values goes along."""
        deadline = self.deadline.within(deadline_seconds)
        return await self._onward.call_on(self, action, request, deadline, headers, node, stream)

    async def emit(self, event: Event[RequestType], payload: RequestType) -> None:
        await self._onward.tell_on(self, event, payload, broadcast=False)

    async def broadcast(self, event: Event[RequestType], payload: RequestType) -> None:
        await self._onward.tell_on(self, event, payload, broadcast=True)
