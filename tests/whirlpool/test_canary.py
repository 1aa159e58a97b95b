"""The sign of life: what it proves while it sings, and what follows from its silence."""

from __future__ import annotations

from collections.abc import AsyncIterator
from random import Random

import pytest
from sqlalchemy import select

from broker.testing import FakeClock
from schema.tables import canaries
from tests.whirlpool.conftest import open_database, soon
from whirlpool.canary import FORGET_MILLISECONDS, SILENCE_SECONDS_MAX, Canary, age_seconds
from whirlpool.health import DatabaseHealth
from whirlpool.transactions import Database


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def nowhere() -> AsyncIterator[Database]:
    database = open_database("sqlite:////nonexistent/folder/file.db")
    yield database
    await database.stop()


async def test_the_newest_song_of_any_region_tells_how_old_the_data_may_be(
    database: Database, other_region: Database, clock: FakeClock
) -> None:
    await Canary(database, clock, Random(7), "whirlpool-west-1").sing()
    await clock.advance(30)
    await Canary(other_region, clock, Random(7), "whirlpool-east-1").sing()
    await clock.advance(12)
    assert await database.read(lambda connection: age_seconds(connection, clock), soon()) == 12


async def test_a_canary_has_one_row_however_often_it_sings(database: Database, clock: FakeClock) -> None:
    canary = Canary(database, clock, Random(7), "whirlpool-west-1")
    for _ in range(3):
        await clock.advance(5)
        await canary.sing()
    assert await database.read(lambda connection: age_seconds(connection, clock), soon()) == 0


async def test_canaries_that_fell_silent_a_day_ago_are_forgotten_when_a_new_one_comes(
    database: Database, clock: FakeClock
) -> None:
    for node in ("whirlpool-west.pod-a", "whirlpool-west.pod-b"):
        await Canary(database, clock, Random(7), node).sing()
        await clock.advance(FORGET_MILLISECONDS / 1000)
    await Canary(database, clock, Random(7), "whirlpool-west.pod-c").sing()
    rows = await database.read(lambda connection: connection.execute(select(canaries.c.node)), soon())
    assert {node for (node,) in rows} == {"whirlpool-west.pod-b", "whirlpool-west.pod-c"}


async def test_a_canary_that_is_silent_for_a_moment_is_no_cause_for_complaint(
    nowhere: Database, clock: FakeClock
) -> None:
    canary = Canary(nowhere, clock, Random(7), "whirlpool-west-1")
    await clock.advance(SILENCE_SECONDS_MAX)
    await canary.sing()
    assert canary.complaint() is None
    await clock.advance(1)
    assert canary.complaint() == "the database has taken no write for 16 s"


async def test_a_node_that_takes_no_writes_withdraws_as_long_as_others_serve_and_returns_by_itself(
    database: Database, clock: FakeClock
) -> None:
    told: list[bool] = []
    others = True

    async def tell(well: bool) -> None:
        told.append(well)

    canary = Canary(database, clock, Random(7), "whirlpool-west-1")
    health = DatabaseHealth(database, clock, Random(7), tell, canary=canary, others=lambda: others)
    await health.check()
    await clock.advance(SILENCE_SECONDS_MAX + 1)
    await health.check()
    assert health.reason() == "the database has taken no write for 16 s"
    others = False
    await health.check()
    assert health.reason() is None
    others = True
    await health.check()
    await canary.sing()
    await health.check()
    assert told == [True, False, True, False, True]
