"""Real Moleculer nodes that leave the choice to the server, and ours that serve them."""

from __future__ import annotations

from typing import Any

import pytest

from broker import Broker, BrokerConfig
from broker.testing import MemoryNetwork
from tests.contract.greetings import GREETED, Diary, Greeted, Greetings, Ledger
from tests.interop.asking import by_theirs, heard_by_theirs, until
from tests.interop.conftest import SharedMesh
from tests.waiting import eventually

UNBALANCED: dict[str, Any] = {"disableBalancer": True}


async def test_their_requests_are_shared_among_ours(fresh_mesh: SharedMesh) -> None:
    greetings = [Greetings("first"), Greetings("second")]
    for each in greetings:
        ours = await fresh_mesh.ours(each, balanced=True)
    await fresh_mesh.theirs("theirs", "foreign", **UNBALANCED)
    await ours.wait_for("foreign", deadline_seconds=20)
    answers = [await by_theirs(ours, "greetings.greet", {"name": "Ada"}) for _ in range(40)]
    assert {answer["data"]["node"] for answer in answers} == {"first", "second"}
    assert (await by_theirs(ours, "$node.list", {}))["data"]


async def test_our_requests_are_answered_by_theirs(fresh_mesh: SharedMesh) -> None:
    await fresh_mesh.theirs("theirs", "foreign", **UNBALANCED)
    ours = await fresh_mesh.ours(wait_for=["foreign"], balanced=True)
    assert (await ours.call("foreign.echo", {"a": 1}))["params"] == {"a": 1}


async def test_their_events_reach_one_node_of_each_of_our_groups(fresh_mesh: SharedMesh) -> None:
    diaries, ledger = [Diary(), Diary()], Ledger()
    await fresh_mesh.ours(diaries[0], balanced=True)
    ours = await fresh_mesh.ours(diaries[1], ledger, balanced=True)
    await fresh_mesh.theirs("theirs", "foreign", "listeners", **UNBALANCED)
    await ours.wait_for("foreign", deadline_seconds=20)
    for name in ("one", "two"):
        await ours.call("foreign.emit", {"event": "greetings.greeted", "data": {"name": name}})
    await eventually(lambda: sorted(diaries[0].names + diaries[1].names) == ["one", "two"])
    await eventually(lambda: ledger.names == ["one", "two"])


async def test_our_events_reach_each_of_their_groups_once(fresh_mesh: SharedMesh) -> None:
    await fresh_mesh.theirs("theirs", "foreign", "listeners", **UNBALANCED)
    ours = await fresh_mesh.ours(Greetings(), wait_for=["listeners"], balanced=True)
    await ours.emit(GREETED, Greeted(name="Ada"))

    async def heard_by_both() -> bool:
        return sorted(event["group"] for event in await heard_by_theirs(ours, "Ada")) == ["archive", "listeners"]

    assert await until(heard_by_both)


async def test_a_drained_node_is_asked_no_more(fresh_mesh: SharedMesh) -> None:
    leaving = await fresh_mesh.ours(Greetings("leaving"), balanced=True)
    ours = await fresh_mesh.ours(Greetings("staying"), balanced=True)
    await fresh_mesh.theirs("theirs", "foreign", **UNBALANCED)
    await ours.wait_for("foreign", deadline_seconds=20)
    await leaving.drain()
    answers = [await by_theirs(ours, "greetings.greet", {"name": "Ada"}) for _ in range(20)]
    assert {answer["data"]["node"] for answer in answers} == {"staying"}


async def test_says_that_a_transport_without_queue_groups_will_not_do() -> None:
    config = BrokerConfig(region="west", node="ours", balanced=True)
    with pytest.raises(TypeError, match="queue groups"):
        await Broker(config, MemoryNetwork().transport()).start()
