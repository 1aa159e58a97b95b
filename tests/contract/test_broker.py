"""What the broker promises, whatever carries it."""

from __future__ import annotations

import asyncio

import pytest

from broker import Context
from broker.refusals import NotServed
from broker.testing import FakeClock
from schema.errors import ERRORS, Conflict, Internal, Invalid, MeshError, TimedOut, TooMany, Unavailable
from tests.contract.conftest import Mesh
from tests.contract.greetings import (
    GREET,
    GREETED,
    RECORD,
    REMARK,
    WELCOME,
    Diary,
    Gate,
    Greet,
    Greeted,
    Greeting,
    Greetings,
    Hall,
    Ledger,
)
from tests.waiting import eventually

ADA = Greet(name="Ada")


async def test_answers_a_call_by_contract_with_a_checked_response(mesh: Mesh) -> None:
    await mesh.node("server", Greetings("server"))
    client = await mesh.node("client")
    assert await client.call(GREET, ADA) == Greeting(text="Hello Ada", node="server")


async def test_answers_a_call_by_name_with_plain_json(mesh: Mesh) -> None:
    await mesh.node("server", Greetings("server"))
    client = await mesh.node("client")
    assert await client.call("greetings.greet", {"name": "Ada"}) == {"text": "Hello Ada", "node": "server"}


async def test_answers_calls_of_its_own_node_in_the_same_way(mesh: Mesh) -> None:
    node = await mesh.node("server", Greetings("server"))
    assert await node.call(GREET, ADA) == Greeting(text="Hello Ada", node="server")
    assert await node.call("greetings.greet", {"name": "Ada"}) == {"text": "Hello Ada", "node": "server"}
    with pytest.raises(Invalid, match="name"):
        await node.call("greetings.greet", {"name": ""})


@pytest.mark.parametrize("caller", ["client", "server"])
async def test_merges_what_the_callee_puts_into_its_meta(mesh: Mesh, caller: str) -> None:
    nodes = {"server": await mesh.node("server", Greetings()), "client": await mesh.node("client")}
    meta = {"language": "en"}
    await nodes[caller].call(REMARK, ADA, meta=meta)
    assert meta == {"language": "en", "remark": "made"}


async def test_refuses_an_action_that_nobody_serves_at_once(mesh: Mesh) -> None:
    client = await mesh.node("client")
    with pytest.raises(Unavailable, match=r"greetings\.greet"):
        await client.call(GREET, ADA)


async def test_names_the_field_that_is_wrong(mesh: Mesh) -> None:
    await mesh.node("server", Greetings())
    client = await mesh.node("client")
    with pytest.raises(Invalid, match="times") as caught:
        await client.call("greetings.greet", {"name": "Ada", "times": 9})
    assert list(caught.value.data["fields"]) == ["times"]


@pytest.mark.parametrize("code", sorted(ERRORS.keys() - {"internal"}))
async def test_carries_each_code_with_its_message_and_data(mesh: Mesh, code: str) -> None:
    async def fail(context: Context) -> None:
        raise ERRORS[code]("no greetings today", {"until": "Monday"})

    await mesh.node("server", Greetings(before=fail))
    client = await mesh.node("client")
    with pytest.raises(MeshError) as caught:
        await client.call(RECORD, ADA)
    assert (caught.value.code, caught.value.message, caught.value.data) == (
        code,
        "no greetings today",
        {"until": "Monday"},
    )


async def test_keeps_the_detail_of_a_defect_to_the_node_that_has_it(
    mesh: Mesh, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(context: Context) -> None:
        raise ZeroDivisionError("password is hunter2")

    await mesh.node("server", Greetings(before=fail))
    client = await mesh.node("client")
    with pytest.raises(Internal) as caught:
        await client.call(GREET, ADA)
    assert "hunter2" not in str(caught.value)
    assert "hunter2" in caplog.text


async def test_passes_on_a_shrinking_deadline_and_the_request_id(mesh: Mesh) -> None:
    clock, gate = FakeClock(), Gate()
    greetings, hall = Greetings(), Hall(before=gate)
    await mesh.node("server", greetings, clock=clock)
    await mesh.node("middle", hall, clock=clock)
    client = await mesh.node("client", clock=clock)
    call = asyncio.ensure_future(client.call(WELCOME, ADA, deadline_seconds=3.0))
    await eventually(lambda: gate.held)
    await clock.advance(1.0)
    gate.open()
    await call
    outer, inner = hall.contexts[0], greetings.contexts[0]
    assert outer.deadline.remaining_seconds() == pytest.approx(2.0)
    assert inner.deadline.remaining_seconds() == pytest.approx(2.0)
    assert (outer.level, inner.level) == (1, 2)
    assert (outer.caller, inner.caller) == (None, "hall")
    assert outer.request_id == inner.request_id


async def test_gives_up_when_the_deadline_passes(mesh: Mesh) -> None:
    clock, gate = FakeClock(), Gate()
    await mesh.node("server", Greetings(before=gate))
    client = await mesh.node("client", clock=clock)
    call = asyncio.ensure_future(client.call(GREET, ADA, deadline_seconds=2.0))
    await eventually(lambda: gate.held)
    await clock.advance(1.9)
    assert not call.done()
    await clock.advance(0.2)
    with pytest.raises(TimedOut):
        await call


async def test_stops_a_handler_at_its_deadline(mesh: Mesh) -> None:
    clock, gate = FakeClock(), Gate()
    server = await mesh.node("server", Greetings(before=gate), clock=clock)
    client = await mesh.node("client")
    call = asyncio.ensure_future(client.call(RECORD, ADA, deadline_seconds=5.0))
    await eventually(lambda: gate.held)
    await clock.advance(5.1)
    with pytest.raises(TimedOut):
        await call
    gate.open()
    assert await server.call(RECORD, ADA)


async def test_does_not_begin_work_whose_deadline_has_passed(mesh: Mesh) -> None:
    clock, gate, greetings = FakeClock(), Gate(), Greetings()
    greetings.before = gate
    await mesh.node("server", greetings, clock=clock, concurrency=1)
    client = await mesh.node("client")
    first = asyncio.ensure_future(client.call(RECORD, ADA, deadline_seconds=60))
    await eventually(lambda: gate.held)
    second = asyncio.ensure_future(client.call(RECORD, ADA, deadline_seconds=1.0))
    with pytest.raises(TimedOut):
        await second
    await clock.advance(1.0)
    gate.open()
    await first
    assert len(greetings.contexts) == 1


async def test_emits_to_one_node_of_each_group(mesh: Mesh) -> None:
    diaries, ledgers = [Diary(), Diary()], [Ledger(), Ledger()]
    for number, (diary, ledger) in enumerate(zip(diaries, ledgers, strict=True)):
        await mesh.node(f"listener-{number}", diary, ledger)
    client = await mesh.node("client")
    await client.emit(GREETED, Greeted(name="Ada"))
    await client.emit(GREETED, Greeted(name="Bob"))
    await eventually(lambda: sorted(diaries[0].names + diaries[1].names) == ["Ada", "Bob"])
    await eventually(lambda: sorted(ledgers[0].names + ledgers[1].names) == ["Ada", "Bob"])


async def test_broadcasts_to_every_listening_node_and_to_itself(mesh: Mesh) -> None:
    own, others = Diary(), [Diary(), Diary()]
    for number, diary in enumerate(others):
        await mesh.node(f"listener-{number}", diary)
    client = await mesh.node("client", own)
    await client.broadcast(GREETED, Greeted(name="Ada"))
    await eventually(lambda: all(diary.names == ["Ada"] for diary in (own, *others)))


async def test_prefers_its_own_region_and_uses_another_when_it_must(mesh: Mesh) -> None:
    near = await mesh.node("near", Greetings("near"))
    await mesh.node("far", Greetings("far"), region="east")
    client = await mesh.node("client")
    assert {(await client.call(GREET, ADA)).node for _ in range(20)} == {"near"}
    await mesh.end(near)
    assert (await client.call(GREET, ADA)).node == "far"


async def test_fails_an_unsafe_call_at_once_when_its_node_leaves(mesh: Mesh) -> None:
    gate = Gate()
    leaving = await mesh.node("leaving", Greetings(before=gate))
    await mesh.node("other", Greetings("other"), region="east")
    client = await mesh.node("client")
    call = asyncio.ensure_future(client.call(RECORD, ADA, deadline_seconds=60))
    await eventually(lambda: gate.held)
    await mesh.end(leaving)
    with pytest.raises(Unavailable, match="leaving"):
        await call


async def test_sends_a_safe_call_elsewhere_when_its_node_leaves(mesh: Mesh) -> None:
    gate = Gate()
    leaving = await mesh.node("leaving", Greetings(before=gate))
    await mesh.node("other", Greetings("other"), region="east")
    client = await mesh.node("client")
    call = asyncio.ensure_future(client.call(GREET, ADA, deadline_seconds=60))
    await eventually(lambda: gate.held)
    await mesh.end(leaving)
    assert (await call).node == "other"


async def test_sends_a_safe_call_elsewhere_when_its_node_does_not_answer(mesh: Mesh) -> None:
    clock, gate = FakeClock(), Gate()
    await mesh.node("hanging", Greetings(before=gate))
    await mesh.node("other", Greetings("other"), region="east")
    client = await mesh.node("client", clock=clock)
    call = asyncio.ensure_future(client.call(GREET, ADA, deadline_seconds=10))
    await eventually(lambda: gate.held)
    await clock.advance(5)
    assert (await call).node == "other"


async def test_leaves_retries_to_the_outermost_caller(mesh: Mesh) -> None:
    failing = [Greetings("one", _unavailable), Greetings("two", _unavailable)]
    for greetings in failing:
        await mesh.node(greetings.node, greetings)
    await mesh.node("middle", Hall())
    client = await mesh.node("client")
    with pytest.raises(Unavailable):
        await client.call(WELCOME, ADA)
    assert sum(len(greetings.contexts) for greetings in failing) == 1


async def _unavailable(context: Context) -> None:
    raise Unavailable("not now")


async def test_loses_nothing_when_a_node_is_drained(mesh: Mesh) -> None:
    first, second = Greetings("first"), Greetings("second")
    draining = await mesh.node("first", first)
    await mesh.node("second", second, region="east")
    client = await mesh.node("client")

    async def call_often() -> list[Greeting]:
        return [await client.call(RECORD, ADA) for _ in range(50)]

    callers = [asyncio.ensure_future(call_often()) for _ in range(4)]
    await eventually(lambda: len(first.contexts) > 20)
    await draining.drain()
    await mesh.end(draining)
    answers = [answer for answers in await asyncio.gather(*callers) for answer in answers]
    assert len(answers) == len(first.contexts) + len(second.contexts) == 200


async def test_does_not_let_a_slow_handler_delay_other_calls(mesh: Mesh) -> None:
    gate = Gate()
    await mesh.node("server", Greetings(before=gate))
    client = await mesh.node("client")
    slow = asyncio.ensure_future(client.call(RECORD, ADA, deadline_seconds=60))
    await eventually(lambda: gate.held)
    assert await client.call(REMARK, ADA) == "well"
    assert not slow.done()
    gate.open()
    await slow


async def test_discovers_a_node_that_joins_late(mesh: Mesh) -> None:
    client = await mesh.node("client")
    waiting = asyncio.ensure_future(client.wait_for("greetings", deadline_seconds=10))
    await mesh.node("late", Greetings("late"))
    await waiting
    assert (await client.call(GREET, ADA)).node == "late"


async def test_says_what_it_waited_for_in_vain(mesh: Mesh) -> None:
    client = await mesh.node("client")
    with pytest.raises(TimedOut, match="greetings"):
        await client.wait_for("greetings", deadline_seconds=0.01)


async def test_refuses_at_once_when_full_and_the_caller_goes_elsewhere(mesh: Mesh) -> None:
    gate = Gate()
    await mesh.node("full", Greetings("full", before=gate), concurrency=1, queue_capacity=0)
    client = await mesh.node("client")
    held = asyncio.ensure_future(client.call(RECORD, ADA, deadline_seconds=60))
    await eventually(lambda: gate.held)
    with pytest.raises(TooMany):
        await client.call(RECORD, ADA)
    await mesh.node("other", Greetings("other"), region="east")
    await eventually(lambda: len(client.registry.endpoints(RECORD.name)) == 2)
    assert (await client.call(RECORD, ADA)).node == "other"
    gate.open()
    assert (await held).node == "full"


async def test_withdraws_a_service_and_offers_it_again(mesh: Mesh) -> None:
    server = await mesh.node("server", Greetings("server"), Hall())
    client = await mesh.node("client")
    await server.withdraw("greetings")
    await eventually(lambda: not client.available(GREET.name))
    assert client.available(WELCOME.name)
    with pytest.raises(NotServed):
        await server.call(GREET, ADA)
    await server.offer("greetings")
    await client.wait_for("greetings", deadline_seconds=10)
    assert (await client.call(GREET, ADA)).node == "server"


async def test_refuses_to_start_under_a_name_that_is_taken(mesh: Mesh) -> None:
    server = await mesh.node("server", Greetings("server"))
    client = await mesh.node("client")
    with pytest.raises(Conflict):
        await mesh.node("server", Greetings("impostor"))
    assert (await client.call(GREET, ADA)).node == "server"
    assert server.connected


async def test_carries_large_answers_and_says_when_one_is_too_large(mesh: Mesh) -> None:
    class Long(Greetings):
        async def _answer(self, context: Context, request: Greet) -> Greeting:
            return Greeting(text="x" * int(request.name), node="")

    await mesh.node("server", Long())
    client = await mesh.node("client")
    assert len((await client.call(GREET, Greet(name="4000000"))).text) == 4_000_000
    with pytest.raises(Internal):
        await client.call(GREET, Greet(name="9000000"))


async def test_refuses_a_request_that_is_too_large(mesh: Mesh) -> None:
    await mesh.node("server", Greetings())
    client = await mesh.node("client")
    with pytest.raises(Invalid, match="bytes"):
        await client.call("greetings.greet", {"name": "x" * 9_000_000})
    with pytest.raises(Invalid, match="JSON"):
        await client.call("greetings.greet", {"name": object()})


async def test_answers_even_when_a_handler_breaks_its_contract(mesh: Mesh, caplog: pytest.LogCaptureFixture) -> None:
    class Odd(Greetings):
        async def _answer(self, context: Context, request: Greet) -> Greeting:
            return "no greeting"  # type: ignore[return-value]

    await mesh.node("server", Odd())
    client = await mesh.node("client")
    with pytest.raises(Internal):
        await client.call(RECORD, ADA)
    assert "greetings.record failed" in caplog.text
