"""What mypy knows of a call. `make check` reads this file too: an error that stops being one makes its comment unused,
which is an error itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, assert_type

import pytest

from broker import Broker, BrokerConfig, Context, Service, action
from broker.testing import MemoryNetwork
from schema.action import Action
from schema.errors import MeshError, Unavailable
from schema.stream import Stream
from tests.contract.greetings import GREET, REMARK, Greet, Greeted, Greeting, Greetings

ADA = Greet(name="Ada")
ANNOUNCE = Action("porter.announce", Greet, int, safe=True)
SPELL = Action("speller.spell", Greet, Stream[bytes], safe=True)


class Speller(Service):
    name = "speller"

    @action(SPELL)
    async def spell(self, context: Context, request: Greet) -> Stream[bytes]:
        return Stream(_letters(request.name))


async def _letters(name: str) -> AsyncIterator[bytes]:
    for letter in name:
        yield letter.encode()


@pytest.fixture
async def broker() -> AsyncIterator[Broker]:
    made = Broker(BrokerConfig(region="west", node="one"), MemoryNetwork().transport())
    made.add(Greetings("one"))
    made.add(Speller())
    made.add(Porter())
    async with made:
        yield made


async def test_a_call_by_contract_has_the_contracts_response(broker: Broker) -> None:
    assert_type(await broker.call(GREET, ADA), Greeting)
    assert_type(await broker.call(REMARK, ADA), str)
    assert_type(await broker.call("greetings.greet", {"name": "Ada"}), Any)
    assert_type(await broker.call_many(GREET, [ADA]), list[Greeting | MeshError])


async def test_a_stream_has_the_contracts_chunks(broker: Broker) -> None:
    async with await broker.call(SPELL, ADA) as letters:
        assert_type(letters, Stream[bytes])
        assert [letter async for letter in letters] == [b"A", b"d", b"a"]


async def test_a_fallback_answers_with_the_contracts_response(broker: Broker) -> None:
    instead = Greeting(text="", node="")
    await broker.withdraw("greetings")

    async def of_the_error(error: MeshError) -> Greeting:
        return instead

    assert_type(await broker.call(GREET, ADA, fallback=instead), Greeting)
    assert_type(await broker.call(GREET, ADA, fallback=lambda error: instead), Greeting)
    assert_type(await broker.call(GREET, ADA, fallback=of_the_error), Greeting)
    wrong: Any = await broker.call(GREET, ADA, fallback="nothing")
    assert wrong == "nothing"


async def test_a_wrong_request_is_an_error_before_anything_runs(broker: Broker) -> None:
    with pytest.raises(MeshError):
        await broker.call(GREET, Greeted(name="Ada"))  # type: ignore[misc]
    with pytest.raises(MeshError):
        await broker.call(GREET, {"name": ""})  # type: ignore[call-overload]


class Porter(Service):
    name = "porter"

    @action(ANNOUNCE)
    async def announce(self, context: Context, request: Greet) -> int:
        assert_type(await context.call(GREET, request), Greeting)
        assert_type(await context.call("greetings.greet", {"name": "Ada"}), Any)
        answers = assert_type(await context.call_many(GREET, [request]), list[Greeting | MeshError])
        with pytest.raises(MeshError):
            await context.call(GREET, Greeted(name="Ada"))  # type: ignore[misc]
        return len(answers)


async def test_a_context_calls_with_the_same_types(broker: Broker) -> None:
    assert assert_type(await broker.call(ANNOUNCE, ADA), int) == 1


def test_a_method_must_fit_the_contract_that_it_answers() -> None:
    class Wrong(Service):
        name = "greetings"

        @action(GREET)  # type: ignore[arg-type]
        async def greet(self, context: Context, request: Greeted) -> Greeting:
            raise Unavailable(request.name)

    assert Wrong().full_name() == "greetings"
