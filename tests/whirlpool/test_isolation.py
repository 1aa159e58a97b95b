"""No update overwrites one that it has not seen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from schema.errors import Conflict, Invalid, NotFound
from tests.whirlpool.conftest import WallClock, soon
from tests.whirlpool.ledger import (
    PAY,
    RENAME,
    Payment,
    Regions,
    Renaming,
    accounts,
    balance,
    ledgers,
    open_accounts,
)
from whirlpool.isolation import add_to, insert_new, update_seen
from whirlpool.transactions import Database

WRITERS = 12


@pytest.fixture
async def regions(database: Database, other_region: Database) -> AsyncIterator[Regions]:
    await open_accounts(database)
    async with ledgers(WallClock(), database, other_region) as running:
        yield running


async def test_of_many_who_saw_one_version_one_changes_it(regions: Regions) -> None:
    def rename(number: int) -> object:
        request = Renaming(account=1, owner=f"owner {number}", seen_version=1)
        return regions.client.call(RENAME, request, node=regions.nodes[number % 2], deadline_seconds=30)

    outcomes = await asyncio.gather(*(rename(number) for number in range(WRITERS)), return_exceptions=True)  # type: ignore[call-overload]
    changed = [outcome for outcome in outcomes if not isinstance(outcome, Exception)]
    conflicts = [outcome for outcome in outcomes if isinstance(outcome, Conflict)]
    assert [version.version for version in changed] == [2]
    assert [conflict.data for conflict in conflicts] == [{"version": 2}] * (WRITERS - 1)


async def test_no_sum_of_many_regions_gets_lost(regions: Regions) -> None:
    payments = (
        regions.client.call(PAY, Payment(account=1, amount=1), node=regions.nodes[number % 2], deadline_seconds=30)
        for number in range(WRITERS)
    )
    answers = await asyncio.gather(*payments)
    assert sorted(answer.balance for answer in answers) == list(range(1, WRITERS + 1))
    assert await balance(regions.databases[0]) == WRITERS


async def test_a_sum_may_fall_to_its_bound_and_not_below(regions: Regions) -> None:
    await regions.client.call(PAY, Payment(account=2, amount=5))
    assert (await regions.client.call(PAY, Payment(account=2, amount=-5))).balance == 0
    with pytest.raises(Conflict) as refused:
        await regions.client.call(PAY, Payment(account=2, amount=-1))
    assert refused.value.data == {"balance": 0}


async def test_a_row_is_inserted_where_there_is_none_and_left_alone_where_there_is_one(regions: Regions) -> None:
    database, row = regions.databases[0], {"id": 3, "owner": "me", "balance": 5, "version": 1}
    assert await database.write(lambda c: insert_new(c, accounts, row), soon())
    assert not await database.write(lambda c: insert_new(c, accounts, row | {"balance": 6}), soon())
    assert await balance(database, 3) == 5


async def test_what_contradicts_the_table_otherwise_is_no_duplicate(regions: Regions) -> None:
    nobody = {"id": 3, "owner": None, "balance": 5, "version": 1}
    with pytest.raises(Invalid, match="does not fit"):
        await regions.databases[0].write(lambda c: insert_new(c, accounts, nobody), soon())


async def test_a_row_that_is_not_there_is_said_to_be_missing(regions: Regions) -> None:
    database, nowhere = regions.databases[0], {"id": 99}
    with pytest.raises(NotFound):
        await database.write(lambda c: add_to(c, accounts, nowhere, "balance", 1), soon())
    with pytest.raises(NotFound):
        await database.write(lambda c: update_seen(c, accounts, nowhere, 1, {"owner": "me"}), soon())
