"""How real Moleculer nodes and ours come to know each other, and take leave."""

from __future__ import annotations

import asyncio

import pytest

from schema.errors import Unavailable
from tests.contract.greetings import Gate, Greetings
from tests.interop.asking import by_theirs, until
from tests.interop.conftest import DISCOVERY_SECONDS, SharedMesh
from tests.waiting import eventually


async def test_each_side_describes_itself_to_the_other(mesh: SharedMesh) -> None:
    ours = await mesh.ours(Greetings(), wait_for=["foreign"])
    theirs = ours.registry.get("theirs")
    assert theirs is not None
    assert (theirs.info.version, theirs.info.client.split()[0]) == (mesh.protocol, "nodejs")
    assert theirs.info.instance
    assert theirs.info.seq >= 1
    nodes = {node["id"]: node for node in await ours.call("$node.list", {}, node="theirs")}
    seen = nodes[ours.node_id]
    assert (seen["available"], seen["client"]["type"], seen["metadata"]) == (True, "python", {"region": "west"})
    assert seen["instanceID"]


async def test_each_side_pings_the_other(mesh: SharedMesh) -> None:
    ours = await mesh.ours(wait_for=["foreign"])
    await eventually(lambda: ours.latency.minimum_seconds("theirs") is not None)
    pong = await ours.call("foreign.ping", {"node": ours.node_id})
    assert pong["nodeID"] == ours.node_id
    assert 0 <= pong["elapsedTime"] < 1_000


async def test_each_side_learns_of_a_service_that_is_withdrawn_and_offered_again(mesh: SharedMesh) -> None:
    ours = await mesh.ours(Greetings(), wait_for=["foreign"])
    await ours.withdraw("greetings")
    error = (await by_theirs(ours, "greetings.greet", {"name": "Ada"}))["error"]
    assert (error["name"], error["code"]) == ("ServiceNotAvailableError", 404)
    await ours.offer("greetings")
    assert "data" in await by_theirs(ours, "greetings.greet", {"name": "Ada"})


async def test_their_calls_go_to_another_node_when_ours_is_drained(mesh: SharedMesh) -> None:
    gate = Gate()
    leaving = await mesh.ours(Greetings("leaving", before=gate), wait_for=["foreign"])
    client = await mesh.ours(wait_for=["foreign"])
    request = {"name": "Ada"}
    held = asyncio.ensure_future(by_theirs(client, "greetings.record", request))
    await eventually(lambda: gate.held)
    staying = await mesh.ours(Greetings("staying"), wait_for=["foreign"])
    draining = asyncio.ensure_future(leaving.drain())
    await eventually(lambda: [each.node for each in client.registry.endpoints("greetings.greet")] == [staying.node_id])
    answers = [await by_theirs(client, "greetings.greet", request) for _ in range(20)]
    assert {answer["data"]["node"] for answer in answers} == {"staying"}
    gate.open()
    assert (await held)["data"]["node"] == "leaving"
    await draining


async def test_our_calls_go_to_another_node_when_theirs_stops(fresh_mesh: SharedMesh) -> None:
    leaving = await fresh_mesh.theirs("leaving", "foreign")
    await fresh_mesh.theirs("staying", "foreign")
    ours = await fresh_mesh.ours(wait_for=["foreign"])
    await eventually(lambda: len(ours.registry.endpoints("foreign.echo")) == 2, DISCOVERY_SECONDS)
    held = asyncio.ensure_future(ours.call("foreign.hold", {}, node="leaving"))
    await until(lambda: ours.call("foreign.holding", {}, node="leaving"))
    stopping = asyncio.ensure_future(leaving.stop())
    for _ in range(100):
        await ours.call("foreign.nothing", {})
    await stopping
    with pytest.raises(Unavailable):
        await held
    assert [endpoint.node for endpoint in ours.registry.endpoints("foreign.echo")] == ["staying"]


async def test_a_node_of_theirs_that_is_killed_is_noticed_by_the_next_call(fresh_mesh: SharedMesh) -> None:
    doomed = await fresh_mesh.theirs("doomed", "foreign")
    ours = await fresh_mesh.ours(wait_for=["foreign"])
    await doomed.kill()
    with pytest.raises(Unavailable):
        await ours.call("foreign.nothing", {})
    assert not ours.available("foreign.nothing")


async def test_a_node_of_theirs_that_comes_back_under_its_name_is_used_again(fresh_mesh: SharedMesh) -> None:
    ours = await fresh_mesh.ours()
    for _ in range(2):
        theirs = await fresh_mesh.theirs("theirs", "foreign")
        await ours.wait_for("foreign", deadline_seconds=DISCOVERY_SECONDS)
        assert (await ours.call("foreign.echo", {}))["sender"] == ours.node_id
        await theirs.stop()
        await eventually(lambda: not ours.available("foreign.echo"))


async def test_namespaces_do_not_see_each_other(mesh: SharedMesh) -> None:
    elsewhere = await mesh.ours(Greetings(), namespace=f"{mesh.namespace}-elsewhere")
    ours = await mesh.ours(wait_for=["foreign"])
    assert not elsewhere.available("foreign.echo")
    assert not ours.available("greetings.greet")
    assert elsewhere.node_id not in {node["id"] for node in await ours.call("$node.list", {}, node="theirs")}


async def test_nodes_of_both_protocols_share_a_namespace_that_checks_no_versions(fresh_mesh: SharedMesh) -> None:
    """Broadcasts are in the namespace's version; what is for one node is in that node's."""
    unchecked = {"transit": {"disableVersionCheck": True}}
    for protocol in ("4", "5"):
        await fresh_mesh.theirs(f"theirs-{protocol}", "foreign", protocol=protocol, **unchecked)
    ours = await fresh_mesh.ours(Greetings("ours"), wait_for=["foreign"])
    await eventually(lambda: len(ours.registry.endpoints("foreign.echo")) == 2, DISCOVERY_SECONDS)
    for protocol in ("4", "5"):
        node = f"theirs-{protocol}"
        request = {"action": "greetings.greet", "params": {"name": "Ada"}}
        assert (await ours.call("foreign.begin", request, node=node))["data"]["node"] == "ours"
        known = ours.registry.get(node)
        assert known is not None
        assert known.info.version == protocol
