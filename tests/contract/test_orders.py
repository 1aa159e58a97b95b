"""An operator takes a node out of work and back, whatever carries the order."""

from __future__ import annotations

import asyncio

import pytest

from broker.orders import DRAIN, RETURN
from broker.refusals import NotServed
from schema.errors import NotFound, TimedOut
from tests.contract.conftest import Mesh
from tests.contract.greetings import GREET, RECORD, Gate, Greet, Greetings
from tests.waiting import eventually

ADA = Greet(name="Ada")


async def test_drains_a_node_which_finishes_what_it_has_begun_first(mesh: Mesh) -> None:
    gate = Gate()
    await mesh.node("server", Greetings("server", before=gate))
    client, operator = await mesh.node("client"), await mesh.node("operator")
    held = asyncio.ensure_future(client.call(RECORD, ADA))
    await eventually(lambda: gate.held)
    order = asyncio.ensure_future(operator.order("server", DRAIN, deadline_seconds=30))
    await eventually(lambda: not client.available(GREET.name))
    assert not order.done()
    gate.open()
    await order
    assert (await held).node == "server"
    with pytest.raises(NotServed):
        await client.call(GREET, ADA)


async def test_takes_a_drained_node_back(mesh: Mesh) -> None:
    await mesh.node("server", Greetings("server"))
    client = await mesh.node("client")
    await client.order("server", DRAIN, deadline_seconds=10)
    await eventually(lambda: not client.available(GREET.name))
    await client.order("server", RETURN, deadline_seconds=10)
    await eventually(lambda: client.available(GREET.name))
    assert (await client.call(GREET, ADA)).node == "server"
    await client.order("server", DRAIN, deadline_seconds=10)
    await eventually(lambda: not client.available(GREET.name))


async def test_fails_no_call_while_another_node_serves(mesh: Mesh) -> None:
    await mesh.node("one", Greetings("one"))
    await mesh.node("two", Greetings("two"))
    client = await mesh.node("client")

    async def call_often() -> set[str]:
        return {(await client.call(RECORD, ADA)).node for _ in range(100)}

    callers = [asyncio.ensure_future(call_often()) for _ in range(4)]
    await client.order("one", DRAIN, deadline_seconds=10)
    answered = await asyncio.gather(*callers)
    assert all("two" in nodes for nodes in answered)


async def test_says_that_an_order_is_unknown_or_nobody_hears_it(mesh: Mesh) -> None:
    await mesh.node("server", Greetings())
    client = await mesh.node("client")
    with pytest.raises(NotFound, match="dance"):
        await client.order("server", "dance", deadline_seconds=10)
    with pytest.raises(NotServed):
        await client.order("nobody", DRAIN, deadline_seconds=10)


async def test_gives_up_waiting_for_a_node_that_does_not_finish(mesh: Mesh) -> None:
    gate = Gate()
    await mesh.node("server", Greetings(before=gate))
    client = await mesh.node("client")
    held = asyncio.ensure_future(client.call(RECORD, ADA))
    await eventually(lambda: gate.held)
    with pytest.raises(TimedOut):
        await client.order("server", DRAIN, deadline_seconds=0.05)
    gate.open()
    await held
