"""How fresh answers are, and how they say so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from broker import Broker, BrokerConfig
from broker.testing import MemoryNetwork
from schema.action import Nothing
from schema.courses import READ_GE, READ_VERSIONS, REPLACE_GE
from schema.errors import Invalid, MeshError
from schema.freshness import FRESHNESS_HEADER, READ_YOUR_WRITES, STALE_SECONDS, stale
from tests.waiting import eventually
from tests.whirlpool.catalogue import labels, replace_labels
from tests.whirlpool.conftest import WallClock, course_store
from whirlpool.canary import Canary
from whirlpool.courses import CourseStore
from whirlpool.idempotency import KeyedWrites
from whirlpool.reads import StaleReads, stale_twin
from whirlpool.transactions import Database


@dataclass
class Node:
    client: Broker
    data: Broker
    clock: WallClock
    canary: Canary


@pytest.fixture
async def node(database: Database) -> AsyncIterator[Node]:
    network, clock = MemoryNetwork(), WallClock()
    data = Broker(BrokerConfig(region="west", node="whirlpool-west-1"), network.transport())
    data.add(course_store(database, clock))
    data.add(stale_twin(CourseStore(StaleReads(database, clock), KeyedWrites(database, clock), clock)))
    client = Broker(BrokerConfig(region="west", node="client-west-1"), network.transport())
    async with data, client:
        await client.wait_for("db-courses", "stale.db-courses", deadline_seconds=10)
        yield Node(client, data, clock, Canary(database, clock, Random(7), data.node_id))


async def test_a_fresh_read_sees_what_was_written_before(node: Node) -> None:
    await node.client.call(REPLACE_GE, replace_labels(labels(MF="Mathematics")))
    answer = await node.client.call(READ_GE, Nothing(), headers=READ_YOUR_WRITES)
    assert [row["code"] for row in answer.rows.labels] == ["MF"]


async def test_an_unknown_freshness_is_refused(node: Node) -> None:
    with pytest.raises(Invalid, match="freshness"):
        await node.client.call(READ_VERSIONS, Nothing(), headers={FRESHNESS_HEADER: "rotten"})


async def test_a_read_that_may_be_old_says_how_old(node: Node) -> None:
    await node.client.call(REPLACE_GE, replace_labels(labels(MF="Mathematics")))
    await node.canary.sing()
    node.clock.epoch_seconds += 42
    said: dict[str, Any] = {}
    answer = await node.client.call(stale(READ_GE), Nothing(), meta=said)
    assert [row["code"] for row in answer.rows.labels] == ["MF"]
    assert said[STALE_SECONDS] == 42


async def test_an_age_that_nobody_can_tell_is_said_to_be_unknown(node: Node) -> None:
    said: dict[str, Any] = {}
    await node.client.call(stale(READ_VERSIONS), Nothing(), meta=said)
    assert said[STALE_SECONDS] is None


async def test_old_reads_are_answered_when_all_else_is_withdrawn(node: Node) -> None:
    await node.data.withdraw(CourseStore.name)
    await eventually(lambda: not node.client.available(READ_VERSIONS.name))
    assert (await node.client.call(stale(READ_VERSIONS), Nothing())).documents == []


async def test_only_reads_have_an_old_twin(node: Node) -> None:
    with pytest.raises(ValueError, match="no read"):
        stale(REPLACE_GE)
    with pytest.raises(MeshError):
        await node.client.call("stale.db-courses.replace-ge", {}, deadline_seconds=0.2)
