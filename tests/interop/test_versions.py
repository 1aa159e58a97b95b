"""What a node that checks versions makes of a namespace of the other protocol, and we of it."""

from __future__ import annotations

from tests.contract.greetings import Greetings
from tests.interop.conftest import DISCOVERY_SECONDS, SharedMesh
from tests.waiting import eventually


async def test_a_strict_node_of_the_other_protocol_is_answered_in_its_own(fresh_mesh: SharedMesh) -> None:
    """It refuses what is for everybody; what is for it alone, it understands."""
    other = "4" if fresh_mesh.protocol == "5" else "5"
    await fresh_mesh.theirs("strict", "foreign", protocol=other)
    ours = await fresh_mesh.ours(Greetings("ours"), wait_for=["foreign"])
    await eventually(lambda: ours.available("foreign.echo"), DISCOVERY_SECONDS)
    assert (await ours.call("foreign.echo", {"text": "hello"}))["params"] == {"text": "hello"}
