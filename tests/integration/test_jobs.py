"""Three whole regions: jobs are done, and every whirlpool gives signs of life."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from lab.trial import Trial
from schema.tables import canaries, jobs
from tests.waiting import POLL_SECONDS
from tests.whirlpool.conftest import open_database, soon
from whirlpool.leases import NEVER
from whirlpool.transactions import Database

SECONDS = 30


@pytest.fixture
async def database(regions: Trial) -> AsyncIterator[Database]:
    database = open_database(regions.database_url(regions.regions[0]))
    yield database
    await database.stop()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(SECONDS):
        while not await condition():  # noqa: ASYNC110 (nobody tells)
            await asyncio.sleep(POLL_SECONDS)


async def test_some_region_forgets_old_answers_and_ends_its_lease(database: Database) -> None:
    async def lease(connection: AsyncConnection) -> tuple[int, int]:
        asked = select(jobs.c.done_slot, jobs.c.leased_until).where(jobs.c.name == "forget-answers")
        row = (await connection.execute(asked)).one_or_none()
        return (NEVER, 0) if row is None else (row.done_slot, row.leased_until)

    async def done() -> bool:
        done_slot, leased_until = await database.read(lease, soon())
        return done_slot > NEVER and not leased_until

    await until(done)


async def test_every_region_gives_signs_of_life(regions: Trial, database: Database) -> None:
    async def singing() -> bool:
        return await database.read(_names, soon()) >= {region.node("whirlpool") for region in regions.regions}

    await until(singing)


async def _names(connection: AsyncConnection) -> set[str]:
    return set(await connection.scalars(select(canaries.c.node)))
