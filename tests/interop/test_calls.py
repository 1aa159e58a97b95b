"""Calls between real Moleculer nodes and ours, in both directions."""

from __future__ import annotations

from typing import Any

import pytest

from broker import Context
from schema.errors import ERRORS, Conflict, Internal, Invalid, MeshError, NotFound, TimedOut, TooMany, Unavailable
from tests.contract.greetings import Gate, Greetings, Hall
from tests.interop.asking import by_theirs
from tests.interop.conftest import SharedMesh

VALUES = [
    {"text": "Zoë 🌌", "list": [1, 2.5, None, True], "nested": {"empty": {}}},
    {},
    {"null": None, "long": "x" * 100_000},
]


@pytest.mark.parametrize("params", VALUES, ids=["nested", "empty", "long"])
async def test_our_request_arrives_unchanged_and_so_does_their_answer(mesh: SharedMesh, params: Any) -> None:
    ours = await mesh.ours(wait_for=["foreign"])
    seen = await ours.call("foreign.echo", params)
    assert seen["params"] == params
    assert seen["sender"] == ours.node_id


async def test_their_request_is_checked_and_answered_by_our_contract(mesh: SharedMesh) -> None:
    ours = await mesh.ours(Greetings("ours"), wait_for=["foreign"])
    answer = await by_theirs(ours, "greetings.greet", {"name": "Zoë 🌌"})
    assert answer["data"] == {"text": "Hello Zoë 🌌", "node": "ours"}


async def test_an_answer_without_data_is_null(mesh: SharedMesh) -> None:
    ours = await mesh.ours(wait_for=["foreign"])
    assert await ours.call("foreign.nothing", {}) is None


async def test_meta_goes_there_and_comes_back(mesh: SharedMesh) -> None:
    ours = await mesh.ours(Greetings(), wait_for=["foreign"])
    meta: dict[str, Any] = {"user": {"id": 7}}
    seen = await ours.call("foreign.echo", {}, meta=meta)
    assert seen["meta"] == {"user": {"id": 7}}
    await ours.call("foreign.mark", {}, meta=meta)
    assert meta == {"user": {"id": 7}, "marked": "theirs"}
    answer = await by_theirs(ours, "greetings.remark", {"name": "Ada"}, meta={"asked": True})
    assert (answer["data"], answer["meta"]) == ("well", {"asked": True, "remark": "made"})


async def test_headers_reach_one_call_and_no_further(mesh: SharedMesh) -> None:
    greetings, hall = Greetings(), Hall()
    ours = await mesh.ours(greetings, hall, wait_for=["foreign"])
    if mesh.protocol == "5":
        seen = await ours.call("foreign.echo", {}, headers={"x-kind": "test"})
        assert seen["headers"] == {"x-kind": "test"}
        await by_theirs(ours, "hall.welcome", {"name": "Ada"}, headers={"x-kind": "theirs"})
        assert hall.contexts[-1].headers == {"x-kind": "theirs"}
    await ours.call("hall.welcome", {"name": "Ada"}, headers={"x-kind": "ours"})
    assert hall.contexts[-1].headers == {"x-kind": "ours"}
    assert greetings.contexts[-1].headers == {}


THEIRS = [
    ("ValidationError", ["wrong", "BAD", [{"field": "age"}]], Invalid, "wrong", {"problems": [{"field": "age"}]}),
    ("MoleculerClientError", ["no such thing", 404, "NOPE", {"id": 1}], NotFound, "no such thing", {"id": 1}),
    ("MoleculerClientError", ["taken", 409, "TAKEN"], Conflict, "taken", {}),
    ("MoleculerClientError", ["teapot", 418, "TEAPOT"], Invalid, "teapot", {}),
    ("MoleculerRetryableError", ["slow down", 429, "SLOW"], TooMany, "slow down", {}),
    ("MoleculerRetryableError", ["come back", 500, "LATER"], Unavailable, "come back", {}),
    ("MoleculerServerError", ["secret", 500, "BROKEN"], Internal, "internal error", {}),
    ("MoleculerError", ["secret", 500, "ODD"], Internal, "internal error", {}),
    ("Error", ["secret"], Internal, "internal error", {}),
    ("RequestTimeoutError", [{"action": "x.y", "nodeID": "n"}], TimedOut, "Request is timed out", None),
    ("QueueIsFullError", [{"action": "x.y", "nodeID": "n"}], TooMany, "Queue is full", None),
    ("RequestRejectedError", [{"action": "x.y", "nodeID": "n"}], Unavailable, "rejected", None),
    ("MaxCallLevelError", [{"nodeID": "n", "level": 100}], Internal, "internal error", {}),
]


@pytest.mark.parametrize(
    ("name", "arguments", "kind", "message", "data"), THEIRS, ids=[f"{row[0]}-{row[2].code}" for row in THEIRS]
)
async def test_their_errors_are_ours(
    mesh: SharedMesh, name: str, arguments: list[Any], kind: type[MeshError], message: str, data: Any
) -> None:
    ours = await mesh.ours(wait_for=["foreign"])
    with pytest.raises(MeshError, match=message) as caught:
        await ours.call("foreign.fail", {"name": name, "args": arguments})
    assert isinstance(caught.value, kind)
    assert data is None or caught.value.data == data


async def test_their_validator_names_the_field(mesh: SharedMesh) -> None:
    ours = await mesh.ours(wait_for=["foreign"])
    with pytest.raises(Invalid) as caught:
        await ours.call("foreign.validated", {"age": 3})
    assert caught.value.data["problems"][0]["field"] == "age"


OURS = {
    "invalid": ("ValidationError", 422, "VALIDATION_ERROR", False),
    "unauthorized": ("MoleculerClientError", 401, "UNAUTHORIZED", False),
    "forbidden": ("MoleculerClientError", 403, "FORBIDDEN", False),
    "not_found": ("MoleculerClientError", 404, "NOT_FOUND", False),
    "conflict": ("MoleculerClientError", 409, "CONFLICT", False),
    "too_many": ("MoleculerRetryableError", 429, "TOO_MANY", True),
    "unavailable": ("MoleculerRetryableError", 503, "UNAVAILABLE", True),
    "timeout": ("RequestTimeoutError", 504, "REQUEST_TIMEOUT", True),
}


@pytest.mark.parametrize("code", OURS)
async def test_our_errors_are_theirs(mesh: SharedMesh, code: str) -> None:
    async def fail(context: Context) -> None:
        raise ERRORS[code]("no greetings today", {"until": "Monday"})

    ours = await mesh.ours(Greetings(before=fail), wait_for=["foreign"])
    error = (await by_theirs(ours, "greetings.record", {"name": "Ada"}))["error"]
    assert (error["name"], error["code"], error["type"], error["retryable"]) == OURS[code]
    assert error["data"] == {"until": "Monday"}
    assert error["nodeID"] == ours.node_id


async def test_our_defects_tell_them_nothing(mesh: SharedMesh) -> None:
    async def fail(context: Context) -> None:
        raise ZeroDivisionError("password is hunter2")

    ours = await mesh.ours(Greetings(before=fail), wait_for=["foreign"])
    error = (await by_theirs(ours, "greetings.record", {"name": "Ada"}))["error"]
    assert (error["message"], error["code"], error["data"]) == ("internal error", 500, {})


async def test_an_error_of_theirs_keeps_its_name_on_its_way_through_ours(mesh: SharedMesh) -> None:
    async def pay(context: Context) -> None:
        await context.call("foreign.fail", {"name": "MoleculerClientError", "args": ["no funds", 402, "NO_FUNDS"]})

    ours = await mesh.ours(Greetings(before=pay), wait_for=["foreign"])
    error = (await by_theirs(ours, "greetings.record", {"name": "Ada"}))["error"]
    assert (error["name"], error["code"], error["type"]) == ("MoleculerClientError", 402, "NO_FUNDS")
    assert error["message"] == "no funds"


async def test_an_action_that_a_node_does_not_serve_is_not_found(mesh: SharedMesh) -> None:
    ours = await mesh.ours(Greetings(), wait_for=["foreign"])
    error = (await by_theirs(ours, "greetings.unknown", {}))["error"]
    assert (error["name"], error["code"]) == ("ServiceNotFoundError", 404)
    assert "greetings.unknown" in error["message"]
    with pytest.raises(Unavailable, match=r"foreign\.unknown"):
        await ours.call("foreign.unknown", {})
    with pytest.raises(Unavailable, match=r"foreign\.hidden"):
        await ours.call("foreign.hidden", {})


async def test_the_chain_of_a_request_runs_through_both(mesh: SharedMesh) -> None:
    async def on_to_theirs(context: Context) -> None:
        seen.append(await context.call("foreign.echo", {}))

    seen: list[dict[str, Any]] = []
    greetings = Greetings(before=on_to_theirs)
    ours = await mesh.ours(greetings, wait_for=["foreign"])
    request = {"action": "greetings.record", "params": {"name": "Ada"}}
    await ours.call("foreign.call", request)
    (context,) = greetings.contexts
    assert (context.level, context.caller) == (2, "foreign")
    assert (seen[0]["level"], seen[0]["caller"]) == (3, "greetings")
    assert seen[0]["parentID"] == context.id
    assert seen[0]["requestID"] == context.request_id


async def test_a_request_id_that_they_choose_is_kept(mesh: SharedMesh) -> None:
    greetings = Greetings()
    ours = await mesh.ours(greetings, wait_for=["foreign"])
    await by_theirs(ours, "greetings.greet", {"name": "Ada"}, requestID="chosen")
    assert greetings.contexts[0].request_id == "chosen"


async def test_their_deadline_is_ours_less_what_has_passed(mesh: SharedMesh) -> None:
    ours = await mesh.ours(wait_for=["foreign"])
    seen = await ours.call("foreign.echo", {}, deadline_seconds=2.0)
    assert 1_000 < seen["timeout"] <= 2_000


async def test_our_deadline_is_theirs_less_what_has_passed(mesh: SharedMesh) -> None:
    greetings = Greetings()
    ours = await mesh.ours(greetings, wait_for=["foreign"])
    await by_theirs(ours, "greetings.greet", {"name": "Ada"}, timeout=3_000)
    assert 1.0 < greetings.contexts[0].deadline.at_seconds - greetings.contexts[0].deadline.clock.now() <= 3.0
    request = {"action": "greetings.greet", "params": {"name": "Ada"}}
    await ours.call("foreign.call", request, deadline_seconds=2.0)
    assert greetings.contexts[1].deadline.remaining_seconds() <= 2.0


async def test_either_side_gives_up_at_its_deadline(mesh: SharedMesh) -> None:
    gate = Gate()
    ours = await mesh.ours(Greetings(before=gate), wait_for=["foreign"])
    error = (await by_theirs(ours, "greetings.record", {"name": "Ada"}, timeout=100))["error"]
    assert (error["name"], error["code"]) == ("RequestTimeoutError", 504)
    with pytest.raises(TimedOut):
        await ours.call("foreign.hold", {}, deadline_seconds=0.1)
    await ours.call("foreign.release", {})


async def test_either_side_can_ask_one_particular_node(mesh: SharedMesh) -> None:
    first = await mesh.ours(Greetings("first"), wait_for=["foreign"])
    second = await mesh.ours(Greetings("second"), wait_for=["foreign", "greetings"])
    for node, text in ((first, "first"), (second, "second")):
        answer = await by_theirs(first, "greetings.greet", {"name": "Ada"}, nodeID=node.node_id)
        assert answer["data"]["node"] == text
    assert (await second.call("foreign.echo", {}, node="theirs"))["sender"] == second.node_id
    with pytest.raises(Unavailable, match="nobody-1"):
        await second.call("foreign.echo", {}, node="nobody-1")
