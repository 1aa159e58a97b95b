"""Calls between real Moleculer nodes and ours, in both directions."""

from __future__ import annotations

from typing import Any

from broker import Broker
from tests.contract.greetings import Greetings
from tests.interop.conftest import SharedMesh


async def by_theirs(ours: Broker, action: str, params: Any, verb: str = "begin", **options: Any) -> Any:
    """What a foreign node gets when it calls this action."""
    return await ours.call(f"foreign.{verb}", {"action": action, "params": params, "options": options})


async def test_our_call_is_answered_by_theirs(mesh: SharedMesh) -> None:
    ours = await mesh.ours(wait_for=["foreign"])
    params = {"text": "Zoë", "list": [1, 2.5, None, True], "nested": {"empty": {}}}
    seen = await ours.call("foreign.echo", params)
    assert seen["params"] == params
    assert seen["sender"] == ours.node_id


async def test_their_call_is_answered_by_ours(mesh: SharedMesh) -> None:
    ours = await mesh.ours(Greetings("ours"), wait_for=["foreign"])
    answer = await by_theirs(ours, "greetings.greet", {"name": "Zoë"})
    assert answer["data"] == {"text": "Hello Zoë", "node": "ours"}
