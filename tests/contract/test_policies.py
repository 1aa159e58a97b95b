"""What the policies promise, whatever carries the mesh."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from broker import Context
from broker.observe.quantile import SAMPLES_MIN
from broker.policies.call_policy import CallPolicy
from broker.policies.hedging import HEDGE_SECONDS_MIN
from broker.policies.idempotency import KEY_HEADER, MemoryKeys
from broker.testing import FakeClock
from schema.action import Nothing
from schema.errors import Conflict, MeshError, TimedOut, TooMany, Unavailable
from tests.contract.conftest import Mesh
from tests.contract.counters import (
    ADD,
    ADD_TWICE,
    ADDED,
    FORGIVING,
    KEPT,
    LIMITED,
    NARROW,
    READ,
    Add,
    Added,
    Counters,
    OfCounter,
    Office,
    OlderCounters,
    Total,
)
from tests.contract.greetings import Gate
from tests.waiting import eventually

ASKED = Nothing()


async def unavailable(context: Context) -> None:
    raise Unavailable("not now")


async def seen(broker: Any, action: str, nodes: int) -> None:
    await eventually(lambda: len(broker.registry.endpoints(action)) == nodes)


# --- hedging ------------------------------------------------------------------------------------------------------


async def test_asks_a_second_node_when_the_first_is_slow(mesh: Mesh) -> None:
    clock, gate = FakeClock(), Gate()
    await mesh.node("slow", Counters("slow", before=gate))
    await mesh.node("other", Counters("other"), region="east")
    client = await mesh.node("client", clock=clock)
    policy = CallPolicy(hedge_after_seconds=0.1, deadline_seconds=60)
    call = asyncio.ensure_future(client.call(READ, ASKED, policy=policy))
    await eventually(lambda: gate.held)
    await clock.advance(0.09)
    assert not call.done()
    await clock.advance(0.02)
    assert (await call).node == "other"
    assert b'localgroup_call_hedges_total{action="counters.read"} 1.0' in client.metrics.exposition()


async def test_knows_by_itself_when_a_node_is_slower_than_usual(mesh: Mesh) -> None:
    clock, gate = FakeClock(), Gate()
    near = Counters("near")
    await mesh.node("near", near)
    await mesh.node("other", Counters("other"), region="east")
    client = await mesh.node("client", clock=clock)
    for _ in range(SAMPLES_MIN):
        await client.call(READ, ASKED)
    near.before = gate
    call = asyncio.ensure_future(client.call(READ, ASKED))
    await eventually(lambda: gate.held)
    await clock.advance(HEDGE_SECONDS_MIN + 0.002)
    assert (await call).node == "other"


async def test_takes_the_first_answer_even_if_the_slow_node_gives_it(mesh: Mesh) -> None:
    clock, gate, never = FakeClock(), Gate(), Gate()
    await mesh.node("slow", Counters("slow", before=gate))
    await mesh.node("slower", Counters("slower", before=never), region="east")
    client = await mesh.node("client", clock=clock)
    call = asyncio.ensure_future(client.call(READ, ASKED, policy=CallPolicy(hedge_after_seconds=0.1)))
    await eventually(lambda: gate.held)
    await clock.advance(0.2)
    await eventually(lambda: never.held)
    gate.open()
    assert (await call).node == "slow"
    never.open()


async def test_waits_for_the_slow_node_when_the_second_one_fails(mesh: Mesh) -> None:
    clock, gate = FakeClock(), Gate()
    failing = Counters("failing", before=unavailable)
    await mesh.node("slow", Counters("slow", before=gate))
    await mesh.node("failing", failing, region="east")
    client = await mesh.node("client", clock=clock)
    call = asyncio.ensure_future(client.call(READ, ASKED, policy=CallPolicy(hedge_after_seconds=0.1)))
    await eventually(lambda: gate.held)
    await clock.advance(0.2)
    await eventually(lambda: failing.calls)
    gate.open()
    assert (await call).node == "slow"


async def test_hedges_no_unsafe_call(mesh: Mesh) -> None:
    clock, gate = FakeClock(), Gate()
    other = Counters("other")
    await mesh.node("slow", Counters("slow", before=gate))
    await mesh.node("other", other, region="east")
    client = await mesh.node("client", clock=clock)
    policy = CallPolicy(hedge_after_seconds=0.1, attempts_max=1)
    call = asyncio.ensure_future(client.call(ADD, Add(amount=1), policy=policy))
    await eventually(lambda: gate.held)
    await clock.advance(1.0)
    gate.open()
    assert (await call).node == "slow"
    assert other.total == 0


async def test_hedges_within_the_budget_only(mesh: Mesh) -> None:
    clock, gate = FakeClock(), Gate()
    await mesh.node("slow", Counters("slow", before=gate))
    await mesh.node("other", Counters("other"), region="east")
    client = await mesh.node("client", clock=clock, repeat_budget_share=0, repeat_budget_per_second=0)
    call = asyncio.ensure_future(client.call(READ, ASKED, policy=CallPolicy(hedge_after_seconds=0.1)))
    await eventually(lambda: gate.held)
    await clock.advance(1.0)
    gate.open()
    assert (await call).node == "slow"


async def test_hedges_no_call_while_too_many_wait_for_answers(mesh: Mesh) -> None:
    clock, gate = FakeClock(), Gate()
    await mesh.node("slow", Counters("slow", before=gate))
    await mesh.node("other", Counters("other"), region="east")
    client = await mesh.node("client", clock=clock, pending_capacity=1)
    call = asyncio.ensure_future(client.call(READ, ASKED, policy=CallPolicy(hedge_after_seconds=0.1)))
    await eventually(lambda: gate.held)
    await clock.advance(1.0)
    gate.open()
    assert (await call).node == "slow"


# --- repeats and ejection -----------------------------------------------------------------------------------------


async def test_repeats_only_as_often_as_its_policy_says(mesh: Mesh) -> None:
    failing = [Counters(str(number), before=unavailable) for number in range(4)]
    for counters in failing:
        await mesh.node(f"server-{counters.node}", counters)
    client = await mesh.node("client")
    for attempts in (1, 3):
        with pytest.raises(Unavailable):
            await client.call(READ, ASKED, policy=CallPolicy(attempts_max=attempts))
    assert sum(counters.calls for counters in failing) == 1 + 3


async def test_a_policy_may_be_given_for_an_action_of_a_node(mesh: Mesh) -> None:
    failing = [Counters(str(number), before=unavailable) for number in range(2)]
    for counters in failing:
        await mesh.node(f"server-{counters.node}", counters)
    client = await mesh.node("client", policies={READ.name: CallPolicy(attempts_max=1)})
    with pytest.raises(Unavailable):
        await client.call(READ, ASKED)
    assert sum(counters.calls for counters in failing) == 1


async def test_leaves_a_failing_node_alone_and_tries_it_again_with_one_call(mesh: Mesh) -> None:
    clock = FakeClock()
    failing = Counters("failing", before=unavailable)
    await mesh.node("failing", failing)
    await mesh.node("other", Counters("other"), region="east")
    client = await mesh.node("client", clock=clock, strategy="local-first")  # which learns nothing from failures
    for _ in range(20):
        assert (await client.call(READ, ASKED)).node == "other"
    assert failing.calls == 3
    await clock.advance(2.0)
    for _ in range(20):
        await client.call(READ, ASKED)
    assert failing.calls == 4
    failing.before = None
    await clock.advance(4.0)
    assert {(await client.call(READ, ASKED)).node for _ in range(5)} == {"failing"}


# --- bulkhead, rate limit, fallback -------------------------------------------------------------------------------


async def test_a_full_action_refuses_at_once_while_others_are_served(mesh: Mesh) -> None:
    gate = Gate()
    await mesh.node("server", Counters("server", before=gate))
    client = await mesh.node("client")
    held = asyncio.ensure_future(client.call(NARROW, ASKED, deadline_seconds=60))
    await eventually(lambda: gate.held)
    with pytest.raises(TooMany):
        await client.call(NARROW, ASKED)
    other = asyncio.ensure_future(client.call(READ, ASKED, deadline_seconds=60))
    await eventually(lambda: gate.held == 2)
    gate.open()
    await asyncio.gather(held, other)


async def test_a_caller_that_asks_too_often_is_told_when_to_come_back(mesh: Mesh) -> None:
    clock = FakeClock()
    servers = [Counters("one"), Counters("two")]
    for counters in servers:
        await mesh.node(counters.node, counters, clock=clock)
    client = await mesh.node("client")
    for _ in range(2):
        await client.call(LIMITED, ASKED, node="one")
    with pytest.raises(TooMany) as caught:
        await client.call(LIMITED, ASKED, node="one")
    assert caught.value.data == {"retry_after_seconds": 1.0}
    await clock.advance(1.0)
    await client.call(LIMITED, ASKED, node="one")


async def test_a_refusal_for_asking_too_often_is_not_taken_elsewhere(mesh: Mesh) -> None:
    clock = FakeClock()
    near, far = Counters("near"), Counters("far")
    await mesh.node("near", near, clock=clock)
    await mesh.node("far", far, region="east", clock=clock)
    client = await mesh.node("client")
    for _ in range(2):
        await client.call(LIMITED, ASKED)
    with pytest.raises(TooMany):
        await client.call(LIMITED, ASKED)
    assert (near.calls, far.calls) == (2, 0)


async def test_answers_with_the_callers_fallback_when_nobody_can(mesh: Mesh) -> None:
    client = await mesh.node("client")
    instead = Total(total=0, node="nobody")

    async def of_the_error(error: MeshError) -> Total:
        return Total(total=1, node=error.code)

    assert await client.call(READ, ASKED, fallback=instead) == instead
    assert (await client.call(READ, ASKED, fallback=of_the_error)).node == "unavailable"
    assert await client.call("counters.read", {}, fallback=None) is None


async def test_a_decision_is_an_answer_and_no_fallback_takes_its_place(mesh: Mesh) -> None:
    async def refuse(context: Context) -> None:
        raise Conflict("no")

    await mesh.node("server", Counters(before=refuse))
    client = await mesh.node("client")
    with pytest.raises(Conflict):
        await client.call(READ, ASKED, fallback=Total(total=0, node=""))
    with pytest.raises(Conflict):
        await client.call(FORGIVING, ASKED)


async def test_answers_with_the_actions_own_fallback_when_its_handler_fails(mesh: Mesh) -> None:
    counters = Counters(before=unavailable)
    await mesh.node("server", counters)
    client = await mesh.node("client")
    assert await client.call(FORGIVING, ASKED) == Total(total=-1, node="unavailable")

    async def defect(context: Context) -> None:
        raise ZeroDivisionError

    counters.before = defect
    assert await client.call(FORGIVING, ASKED) == Total(total=-1, node="internal")


# --- caching ------------------------------------------------------------------------------------------------------


async def test_computes_a_cached_answer_once_for_each_key(mesh: Mesh) -> None:
    counters = Counters("server")
    server = await mesh.node("server", counters)
    client = await mesh.node("client")
    for caller in (client, server):
        for unused in range(3):
            assert (await caller.call(KEPT, OfCounter(name="a", unused=unused))).node == "server"
    assert counters.calls == 1
    await client.call(KEPT, OfCounter(name="b"))
    assert counters.calls == 2


async def test_gives_an_old_answer_for_a_while_and_computes_the_new_one_behind_it(mesh: Mesh) -> None:
    """The server's minutes pass at once and the client's do not, so that silence says nothing here."""
    clock, counters = FakeClock(), Counters("server")
    await mesh.node("server", counters, clock=clock, heartbeat_timeout_seconds=1_000.0)
    client = await mesh.node("client")
    await client.call(KEPT, OfCounter(name="a"))
    counters.total = 7
    await clock.advance(61)
    assert (await client.call(KEPT, OfCounter(name="a"))).total == 0
    await eventually(lambda: counters.calls == 2)
    assert (await client.call(KEPT, OfCounter(name="a"))).total == 7
    counters.total = 9
    await clock.advance(100)
    assert (await client.call(KEPT, OfCounter(name="a"))).total == 9


async def test_forgets_a_cached_answer_on_the_event_that_it_names(mesh: Mesh) -> None:
    counters = Counters("server")
    await mesh.node("server", counters)
    client = await mesh.node("client")
    for name in ("a", "b"):
        await client.call(KEPT, OfCounter(name=name))
    await client.broadcast(ADDED, Added(name="a"))
    counters.total = 5

    async def total(name: str) -> int:
        return (await client.call(KEPT, OfCounter(name=name))).total

    async with asyncio.timeout(10):
        while await total("a") != 5:  # noqa: ASYNC110 (nobody tells)
            await asyncio.sleep(0)
    assert await total("b") == 0


async def test_joins_callers_of_a_cold_key_whose_first_one_gives_up(mesh: Mesh) -> None:
    gate = Gate()
    counters = Counters("server", before=gate)
    await mesh.node("server", counters)
    client = await mesh.node("client")
    hasty = asyncio.ensure_future(client.call(KEPT, OfCounter(name="a"), deadline_seconds=0.05))
    await eventually(lambda: gate.held)
    patient = asyncio.ensure_future(client.call(KEPT, OfCounter(name="a"), deadline_seconds=60))
    with pytest.raises(TimedOut):
        await hasty
    gate.open()
    assert (await patient).node == "server"


# --- idempotency --------------------------------------------------------------------------------------------------


async def test_repeats_an_unsafe_call_with_the_same_key_where_keys_are_honoured(mesh: Mesh) -> None:
    near, far = Counters("near", after=unavailable), Counters("far")
    await mesh.node("near", near)
    await mesh.node("far", far, region="east")
    client = await mesh.node("client")
    await seen(client, ADD.name, 2)
    assert (await client.call(ADD, Add(amount=1))).node == "far"
    assert near.keys == far.keys
    assert near.keys != [None]
    await client.call(ADD, Add(amount=1))
    assert far.keys[0] != far.keys[1]


async def test_a_call_that_is_made_again_with_its_key_happens_once(mesh: Mesh) -> None:
    counters = Counters("server")
    await mesh.node("server", counters, idempotency=MemoryKeys(FakeClock()))
    client = await mesh.node("client")
    headers = {KEY_HEADER: "order-1"}
    answers = await asyncio.gather(*[client.call(ADD, Add(amount=5), headers=headers) for _ in range(5)])
    assert answers == [Total(total=5, node="server")] * 5
    with pytest.raises(Conflict):
        await client.call(ADD, Add(amount=6), headers=headers)
    assert (await client.call(ADD, Add(amount=5))).total == 10


async def test_a_failed_call_may_be_made_again_with_its_key(mesh: Mesh) -> None:
    counters = Counters("server", before=unavailable)
    await mesh.node("server", counters, idempotency=MemoryKeys(FakeClock()))
    client = await mesh.node("client")
    headers = {KEY_HEADER: "order-1"}
    with pytest.raises(Unavailable):
        await client.call(ADD, Add(amount=5), headers=headers)
    counters.before = None
    assert (await client.call(ADD, Add(amount=5), headers=headers)).total == 5


async def test_a_repeated_chain_repeats_the_keys_of_its_calls_and_two_equal_calls_have_two(mesh: Mesh) -> None:
    counters = Counters("server")
    await mesh.node("server", counters, idempotency=MemoryKeys(FakeClock()))
    await mesh.node("middle", Office())
    client = await mesh.node("client")
    for _ in range(3):
        await client.call(ADD_TWICE, Add(amount=5), headers={KEY_HEADER: "order-1"})
    assert counters.total == 10
    assert len(set(counters.keys)) == len(counters.keys) == 2


async def test_repeats_no_unsafe_call_where_a_node_does_not_honour_keys(mesh: Mesh) -> None:
    near, far = Counters("near", after=unavailable), OlderCounters()
    await mesh.node("near", near)
    await mesh.node("far", far, region="east")
    client = await mesh.node("client")
    await seen(client, ADD.name, 2)
    with pytest.raises(Unavailable):
        await client.call(ADD, Add(amount=1))
    assert (near.total, far.total) == (1, 0)
