"""What a node counts of its calls and requests, whatever carries them."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from schema.errors import Conflict
from tests.contract.conftest import Mesh
from tests.contract.greetings import GREET, RECORD, Gate, Greet, Greetings, Hall
from tests.waiting import eventually

ADA = Greet(name="Ada")


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(f"localgroup_{name}", labels)


async def test_counts_calls_by_action_outcome_tier_and_region_on_both_sides(mesh: Mesh) -> None:
    async def refuse(context: object) -> None:
        raise Conflict("not twice")

    server = await mesh.node("server", Greetings(before=refuse), region="east", tier="messier")
    client = await mesh.node("client", tier="andromeda")
    with pytest.raises(Conflict):
        await client.call(RECORD, ADA)
    labels = {"action": RECORD.name, "outcome": "conflict"}
    assert value(client.metrics.registry, "calls_total", **labels, tier="andromeda", region="west") == 1
    assert value(client.metrics.registry, "call_seconds_count", **labels, tier="andromeda", region="west") == 1
    assert value(server.metrics.registry, "requests_total", **labels, tier="messier", region="east") == 1


async def test_counts_the_regions_that_answered(mesh: Mesh) -> None:
    await mesh.node("server", Greetings(), region="east")
    client = await mesh.node("client", tier="andromeda")
    await client.call(GREET, ADA)
    labels = {"action": GREET.name, "in_region": "east", "tier": "andromeda", "region": "west"}
    assert value(client.metrics.registry, "calls_answered_total", **labels) == 1


async def test_shows_what_is_in_flight_and_what_waits(mesh: Mesh) -> None:
    gate = Gate()
    server = await mesh.node("server", Greetings(before=gate), concurrency=1)
    client = await mesh.node("client")
    answers = asyncio.ensure_future(client.call_many(RECORD, [ADA, ADA, ADA]))
    await eventually(lambda: value(server.metrics.registry, "requests_waiting") == 2)
    assert value(server.metrics.registry, "requests_running") == 1
    assert value(client.metrics.registry, "calls_in_flight") == 3
    gate.open()
    await answers
    assert value(client.metrics.registry, "calls_in_flight") == 0


async def test_counts_a_nested_call_on_the_node_that_makes_it(mesh: Mesh) -> None:
    await mesh.node("server", Greetings())
    middle = await mesh.node("middle", Hall(), tier="messier")
    client = await mesh.node("client")
    await client.call("hall.welcome", {"name": "Ada"})
    labels = {"action": GREET.name, "outcome": "ok", "tier": "messier", "region": "west"}
    assert value(middle.metrics.registry, "calls_total", **labels) == 1
