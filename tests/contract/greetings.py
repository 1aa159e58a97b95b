"""A small domain for tests of the mesh: greetings, whose service does what a test tells it to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

from pydantic import Field

from broker import Context, Service, action, event
from schema.action import Action, Event, Message


class Greet(Message):
    name: Annotated[str, Field(min_length=1, max_length=20)]
    times: Annotated[int, Field(ge=1, le=3)] = 1


class Greeting(Message):
    text: str
    node: str


class Greeted(Message):
    name: str


GREET = Action("greetings.greet", Greet, Greeting, safe=True)
RECORD = Action("greetings.record", Greet, Greeting, safe=False)
REMARK = Action("greetings.remark", Greet, str, safe=True)
WELCOME = Action("hall.welcome", Greet, Greeting, safe=True)
GREETED = Event("greetings.greeted", Greeted)


class Greetings(Service):
    """`before` runs in each handler, and may wait or raise."""

    name = "greetings"

    def __init__(self, node: str = "", before: Callable[[Context], Awaitable[None]] | None = None) -> None:
        self.node = node
        self.before = before
        self.contexts: list[Context] = []

    @action(GREET)
    async def greet(self, context: Context, request: Greet) -> Greeting:
        return await self._answer(context, request)

    @action(RECORD)
    async def record(self, context: Context, request: Greet) -> Greeting:
        return await self._answer(context, request)

    @action(REMARK)
    async def remark(self, context: Context, request: Greet) -> str:
        context.meta["remark"] = "made"
        return "well"

    async def _answer(self, context: Context, request: Greet) -> Greeting:
        self.contexts.append(context)
        if self.before is not None:
            await self.before(context)
        return Greeting(text=f"Hello {request.name}", node=self.node)


class Hall(Service):
    """Calls on: greets by `greetings`."""

    name = "hall"

    def __init__(self, before: Callable[[Context], Awaitable[None]] | None = None) -> None:
        self.before = before
        self.contexts: list[Context] = []

    @action(WELCOME)
    async def welcome(self, context: Context, request: Greet) -> Greeting:
        self.contexts.append(context)
        if self.before is not None:
            await self.before(context)
        return await context.call(GREET, request)


class Diary(Service):
    name = "diary"

    def __init__(self) -> None:
        self.names: list[str] = []

    @event(GREETED)
    async def greeted(self, context: Context, payload: Greeted) -> None:
        self.names.append(payload.name)


class Ledger(Service):
    name = "ledger"

    def __init__(self) -> None:
        self.names: list[str] = []

    @event(GREETED)
    async def greeted(self, context: Context, payload: Greeted) -> None:
        self.names.append(payload.name)


class Gate:
    """Holds handlers until it is opened."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self.held = 0

    async def __call__(self, context: Context) -> None:
        self.held += 1
        await self._open.wait()

    def open(self) -> None:
        self._open.set()
