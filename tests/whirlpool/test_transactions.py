from __future__ import annotations

import asyncio
import contextlib
from random import Random
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select, update

from broker.policies.deadline import Deadline
from broker.testing import FakeClock
from schema.errors import TimedOut, TooMany, Unavailable
from schema.tables import documents as table
from tests.whirlpool.conftest import open_database, soon
from whirlpool import documents
from whirlpool.config import DatabaseConfig
from whirlpool.driver_errors import Contended
from whirlpool.engine import open_engine
from whirlpool.transactions import ATTEMPTS, Database

DIGEST = "0" * 64
LOCK_SECONDS = 0.3


class Obstacle(Exception):
    """What a unit of work may fail with."""


async def write_ge(connection: Any) -> None:
    await documents.claim(connection, "ge", DIGEST, 1)


async def keys(connection: Any) -> list[str]:
    return list(await connection.scalars(select(table.c.key)))


async def test_a_unit_that_fails_leaves_nothing(database: Database) -> None:
    async def fail_late(connection: Any) -> None:
        await write_ge(connection)
        raise Obstacle

    with pytest.raises(Obstacle):
        await database.write(fail_late, soon())
    assert await database.read(keys, soon()) == []


async def test_a_unit_that_somebody_else_got_in_the_way_of_is_run_again_whole(database: Database) -> None:
    seen: list[list[str]] = []

    async def contended_twice(connection: Any) -> None:
        seen.append(await keys(connection))
        await write_ge(connection)
        if len(seen) < 3:
            raise Contended("others are writing")

    await database.write(contended_twice, soon())
    assert seen == [[], [], []]
    assert await database.read(keys, soon()) == ["ge"]


async def test_gives_up_on_a_unit_that_is_always_contended(database: Database) -> None:
    attempts = 0

    async def always_contended(connection: Any) -> None:
        nonlocal attempts
        attempts += 1
        raise Contended("others are writing")

    with pytest.raises(Unavailable):
        await database.write(always_contended, soon())
    assert attempts == ATTEMPTS


async def test_a_unit_is_not_begun_when_its_deadline_has_passed(database: Database) -> None:
    clock = FakeClock()
    passed = Deadline.after(0, clock)
    for run in (database.read, database.write):
        with pytest.raises(TimedOut):
            await run(write_ge, passed)


async def test_attempts_and_the_pauses_between_them_end_with_the_deadline(database: Database) -> None:
    clock = FakeClock()
    patient = Database(database.engine, clock, Random(7), attempts=100)
    deadline = Deadline.after(2, clock)

    async def contended(connection: Any) -> None:
        raise Contended("others are writing")

    writing = asyncio.ensure_future(patient.write(contended, deadline))
    while not writing.done():
        await clock.advance(0.1)
    with pytest.raises(TimedOut):
        writing.result()


async def test_work_that_takes_too_long_is_broken_off_and_leaves_nothing(database: Database) -> None:
    async def never_ends(connection: Any) -> None:
        await write_ge(connection)
        await asyncio.Event().wait()

    with pytest.raises(TimedOut):
        await database.write(never_ends, Deadline.after(0.1, database.clock))
    assert await database.read(keys, soon()) == []


async def test_a_long_transaction_is_refused_however_patient_its_caller(database: Database) -> None:
    strict = Database(database.engine, transaction_seconds=0.1)

    async def never_ends(connection: Any) -> None:
        await write_ge(connection)
        await asyncio.Event().wait()

    with pytest.raises(TimedOut, match=r"may take 0\.1 s at most: make several smaller ones"):
        await strict.write(never_ends, soon())
    assert await database.read(keys, soon()) == []


async def test_a_caller_that_goes_away_leaves_nothing_behind(database: Database) -> None:
    begun = asyncio.Event()

    async def never_ends(connection: Any) -> None:
        await write_ge(connection)
        begun.set()
        await asyncio.Event().wait()

    writing = asyncio.ensure_future(database.write(never_ends, soon()))
    await begun.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert await database.read(keys, soon()) == []


async def test_writers_that_wait_for_each_other_crosswise_both_succeed(
    database: Database, other_region: Database
) -> None:
    async def create(connection: Any) -> None:
        for key in ("ge", "rmp"):
            await documents.claim(connection, key, DIGEST, 1)

    await database.write(create, soon())
    both_hold_one = asyncio.Barrier(2)

    async def count_up(database: Database, *in_order: str) -> None:
        async def unit(connection: Any) -> None:
            for key in in_order:
                counted = update(table).where(table.c.key == key).values(version=table.c.version + 1)
                await connection.execute(counted)
                with contextlib.suppress(TimeoutError, asyncio.BrokenBarrierError):
                    await asyncio.wait_for(both_hold_one.wait(), LOCK_SECONDS)

        await database.write(unit, soon())

    await asyncio.gather(count_up(database, "ge", "rmp"), count_up(other_region, "rmp", "ge"))
    listed = await database.read(documents.read_versions, soon())
    assert {each.key: each.version for each in listed} == {"ge": 3, "rmp": 3}


async def test_a_full_pool_is_said_to_be_full(database_url: str) -> None:
    config = DatabaseConfig(database_url=SecretStr(database_url), pool_size=1, pool_timeout_seconds=0.05)
    database = Database(open_engine(config))

    async def ask_for_another_connection(connection: Any) -> None:
        await connection.execute(select(1))
        await database.read(keys, soon())

    with pytest.raises(TooMany):
        await database.read(ask_for_another_connection, soon())
    await database.stop()


@pytest.mark.parametrize(
    "url", ["mysql://nobody:secret@127.77.29.1:1/localgroup", "sqlite:////nonexistent/folder/file.db"]
)
async def test_a_database_that_is_not_there_is_unavailable_and_keeps_its_secrets(url: str) -> None:
    database = open_database(url)
    with pytest.raises(Unavailable) as unavailable:
        await database.read(keys, soon())
    assert unavailable.value.message == "the database of this node cannot be reached"
    await database.stop()


async def test_a_task_that_is_cancelled_ends_though_its_driver_says_that_it_lost_the_connection(
    database: Database,
) -> None:
    begun = asyncio.Event()

    async def interrupted(connection: Any) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise ConnectionResetError from None

    reading = asyncio.ensure_future(database.read(interrupted, soon()))
    await begun.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
