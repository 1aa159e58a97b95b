"""What services and callers see of the broker: versions, dependencies, middlewares, many calls, draining."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from broker import Broker, Context, Service, action
from broker.calls import Call
from broker.middleware import Middleware
from broker.service import ActionHandler
from broker.testing import FakeClock
from schema.action import Action, Event
from schema.errors import Invalid, MeshError, TimedOut
from tests.contract.conftest import Mesh
from tests.contract.greetings import GREET, GREETED, WELCOME, Diary, Gate, Greet, Greeted, Greeting, Greetings, Hall
from tests.waiting import eventually

ADA = Greet(name="Ada")
GREET_2 = Action("v2.greetings.greet", Greet, Greeting, safe=True)
GREET_NEXT = Action("next.greetings.greet", Greet, Greeting, safe=True)


class Greetings2(Service):
    name = "greetings"
    version = 2

    @action(GREET_2)
    async def greet(self, context: Context, request: Greet) -> Greeting:
        return Greeting(text=f"Good morning {request.name}", node=context.service)


class NextGreetings(Service):
    name = "greetings"
    version = "next"

    @action(GREET_NEXT)
    async def greet(self, context: Context, request: Greet) -> Greeting:
        return Greeting(text=f"Good morrow {request.name}", node=context.service)


async def test_serves_several_versions_of_a_service_side_by_side(mesh: Mesh) -> None:
    await mesh.node("server", Greetings("first"), Greetings2(), NextGreetings())
    client = await mesh.node("client")
    assert (await client.call(GREET, ADA)).text == "Hello Ada"
    assert (await client.call(GREET_2, ADA)) == Greeting(text="Good morning Ada", node="v2.greetings")
    assert (await client.call("next.greetings.greet", {"name": "Ada"}))["text"] == "Good morrow Ada"


async def test_withdraws_one_version_and_keeps_the_others(mesh: Mesh) -> None:
    server = await mesh.node("server", Greetings("first"), Greetings2())
    client = await mesh.node("client")
    await server.withdraw("v2.greetings")
    await eventually(lambda: not client.available(GREET_2.name))
    assert client.available(GREET.name)


class WaitingHall(Hall):
    dependencies = ("greetings",)

    async def started(self, broker: Broker) -> None:
        self.greeting = await broker.call(GREET, ADA)


async def test_starts_a_service_once_those_that_it_depends_on_are_there(mesh: Mesh) -> None:
    hall = WaitingHall()
    starting = asyncio.ensure_future(mesh.node("hall", hall))
    client = await mesh.node("client")
    await eventually(lambda: client.registry.get("hall") or not starting.done())
    assert not client.available(WELCOME.name)
    await mesh.node("server", Greetings("server"))
    await starting
    assert hall.greeting.node == "server"
    await client.wait_for("hall", deadline_seconds=10)


async def test_says_which_service_is_missing_when_it_waited_in_vain(mesh: Mesh) -> None:
    clock = FakeClock()
    starting = asyncio.ensure_future(mesh.node("hall", WaitingHall(), clock=clock, dependency_seconds=30))

    async def waited() -> MeshError:
        while not starting.done():
            await clock.advance(1.0)
            await asyncio.sleep(0.005)
        with pytest.raises(TimedOut) as caught:
            await starting
        return caught.value

    assert (await asyncio.wait_for(waited(), 20)).message == "hall cannot start: nobody serves greetings"


async def test_needs_nobody_for_dependencies_of_its_own_node(mesh: Mesh) -> None:
    class Patient(Hall):
        dependencies = ("greetings",)

    node = await mesh.node("both", Greetings("both"), Patient(), clock=None)
    assert (await node.call(WELCOME, ADA)).node == "both"


class Noting(Middleware):
    def __init__(self, name: str, diary: list[str]) -> None:
        self._name = name
        self._diary = diary

    def action(self, contract: Action[Any, Any], handle: ActionHandler) -> ActionHandler:
        async def noted(context: Context, request: Any) -> Any:
            self._diary.append(f"{self._name} serves {contract.name}")
            return await handle(context, request)

        return noted if contract.service == "greetings" else handle

    def call(self, call: Callable[[Call], Coroutine[Any, Any, Any]]) -> Callable[[Call], Coroutine[Any, Any, Any]]:
        async def noted(made: Call) -> Any:
            self._diary.append(f"{self._name} calls {made.action}")
            return await call(made._replace(headers={**made.headers, "by": self._name}))

        return noted

    def event(self, contract: Event[Any], handle: ActionHandler) -> ActionHandler:
        async def noted(context: Context, payload: Any) -> None:
            self._diary.append(f"{self._name} hears {contract.name}")
            await handle(context, payload)

        return noted


async def test_asks_middlewares_the_first_outermost(mesh: Mesh) -> None:
    diary: list[str] = []
    middlewares = [Noting("outer", diary), Noting("inner", diary)]
    greetings = Greetings("server")
    await mesh.node("server", greetings, Diary(), middlewares=middlewares)
    client = await mesh.node("client", middlewares=[Noting("client", diary)])
    await client.call(GREET, ADA)
    assert diary == ["client calls greetings.greet", "outer serves greetings.greet", "inner serves greetings.greet"]
    assert greetings.contexts[0].headers == {"by": "client"}
    await client.emit(GREETED, Greeted(name="Ada"))
    await eventually(lambda: diary[3:] == ["outer hears greetings.greeted", "inner hears greetings.greeted"])


async def test_makes_many_calls_so_many_at_once_and_answers_each(mesh: Mesh) -> None:
    gate = Gate()
    await mesh.node("server", Greetings("server", before=gate))
    client = await mesh.node("client")
    requests = [Greet(name=str(number)) for number in range(10)]
    asking = asyncio.ensure_future(client.call_many(GREET, requests, at_once=3, deadline_seconds=60))
    await eventually(lambda: gate.held == 3)
    gate.open()
    answers = await asking
    assert [answer.text for answer in answers if isinstance(answer, Greeting)] == [f"Hello {n}" for n in range(10)]


async def test_an_error_among_many_calls_stops_no_other(mesh: Mesh) -> None:
    async def fail_one(context: Context) -> None:
        if len(greetings.contexts) == 2:
            raise Invalid("not this one")

    greetings = Greetings("server", before=fail_one)
    await mesh.node("server", greetings)
    client = await mesh.node("client")
    answers = await client.call_many(GREET, [ADA] * 4, at_once=1)
    assert [type(answer) for answer in answers] == [Greeting, Invalid, Greeting, Greeting]
    assert await client.call_many(GREET, []) == []


async def test_no_request_fails_while_a_node_drains_under_load(mesh: Mesh) -> None:
    leaving = await mesh.node("leaving", Greetings("leaving"))
    await mesh.node("staying", Greetings("staying"))
    client = await mesh.node("client")
    await eventually(lambda: len(client.registry.endpoints(GREET.name)) == 2)
    served, failed, done = set[str](), list[MeshError](), asyncio.Event()

    async def load() -> None:
        while not done.is_set():
            try:
                served.add((await client.call("greetings.record", {"name": "Ada"}))["node"])
            except MeshError as error:
                failed.append(error)

    loads = [asyncio.ensure_future(load()) for _ in range(16)]
    await eventually(lambda: served == {"leaving", "staying"})
    await leaving.drain()
    await mesh.end(leaving)
    served.clear()
    await eventually(lambda: served == {"staying"})
    done.set()
    await asyncio.gather(*loads)
    assert failed == []
