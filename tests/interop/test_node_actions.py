"""`$node.*` in both directions, and Moleculer's own command line in a mesh with ours."""

from __future__ import annotations

import re
from pathlib import Path

from tests.contract.greetings import Diary, Greetings
from tests.interop.asking import by_theirs
from tests.interop.conftest import SharedMesh
from tests.interop.foreign import run_commands


async def test_theirs_is_asked_by_ours(mesh: SharedMesh) -> None:
    ours = await mesh.ours(Greetings(), Diary(), wait_for=["foreign"])
    nodes = await ours.call("$node.list", {}, node="theirs")
    assert {"theirs", ours.node_id} <= {node["id"] for node in nodes}
    services = await ours.call("$node.services", {"withActions": True, "skipInternal": True}, node="theirs")
    greetings = next(service for service in services if service["name"] == "greetings")
    assert ours.node_id in greetings["nodes"]
    assert "greetings.greet" in greetings["actions"]
    events = await ours.call("$node.events", {}, node="theirs")
    assert ("greetings.greeted", "diary") in {(event["name"], event["group"]) for event in events}
    assert (await ours.call("$node.health", {}, node="theirs"))["client"]["type"] == "nodejs"
    assert (await ours.call("$node.options", {}, node="theirs"))["nodeID"] == "theirs"


async def test_ours_is_asked_by_theirs(mesh: SharedMesh) -> None:
    ours = await mesh.ours(Greetings(), Diary(), wait_for=["foreign"])

    async def asked(action: str, **params: object) -> list[dict[str, object]]:
        answer = await by_theirs(ours, f"$node.{action}", params, nodeID=ours.node_id)
        assert "error" not in answer
        found: list[dict[str, object]] = answer["data"]
        return found

    nodes = {node["id"]: node for node in await asked("list", onlyAvailable=True)}
    assert nodes[ours.node_id]["local"] is True
    assert nodes["theirs"]["available"] is True
    services = {service["fullName"]: service for service in await asked("services", skipInternal=True)}
    assert services["greetings"]["hasLocal"] is True
    assert services["foreign"]["nodes"] == ["theirs"]
    actions = {action["name"]: action for action in await asked("actions", withEndpoints=True)}
    assert actions["foreign.echo"]["endpoints"] == [{"nodeID": "theirs", "available": True}]
    assert "$node.health" in actions
    events = await asked("events", onlyLocal=True)
    assert [(event["name"], event["group"]) for event in events] == [("greetings.greeted", "diary")]


async def test_ours_tells_theirs_how_it_is(mesh: SharedMesh) -> None:
    ours = await mesh.ours(Greetings(), wait_for=["foreign"])
    health = (await by_theirs(ours, "$node.health", {}, nodeID=ours.node_id))["data"]
    assert health["client"]["type"] == "python"
    assert health["cpu"]["cores"] >= 1
    assert 0 < health["mem"]["free"] <= health["mem"]["total"]
    options = (await by_theirs(ours, "$node.options", {}, nodeID=ours.node_id))["data"]
    assert (options["node"], options["namespace"]) == (ours.node_id, mesh.namespace)
    metrics = (await by_theirs(ours, "$node.metrics", {"includes": "localgroup_late"}, nodeID=ours.node_id))["data"]
    assert [metric["name"] for metric in metrics] == ["localgroup_late_answers"]


async def test_their_command_line_lists_and_calls_ours(mesh: SharedMesh, tmp_path: Path) -> None:
    ours = await mesh.ours(Greetings("ours"), wait_for=["foreign"])
    commands = ("nodes", "services", "actions", 'call greetings.greet --name "Ada"', "quit")
    output = await run_commands(mesh.url, mesh.protocol, mesh.namespace, str(tmp_path), *commands)
    rows = [[cell.strip() for cell in re.split("[│║]", line)] for line in output.splitlines()]
    assert any(ours.node_id in row and "ONLINE" in row for row in rows)
    assert any("greetings" in row for row in rows)
    assert any("greetings.greet" in row for row in rows)
    assert "Hello Ada" in output
