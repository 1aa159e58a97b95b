"""A write that is repeated happens once, on every store and through every region."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from random import Random

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from broker.policies.deadline import Deadline
from broker.policies.idempotency import KEY_HEADER
from schema.errors import Conflict
from schema.tables import recorded_answers
from tests.whirlpool.conftest import WallClock, soon
from tests.whirlpool.ledger import PAY, Balance, Payment, Regions, balance, ledgers, open_accounts
from whirlpool.driver_errors import UNKNOWN, InDoubt
from whirlpool.idempotency import FORGET_ROWS, KEEP_SECONDS, forget_old_answers
from whirlpool.transactions import Database, Result, Unit

TEN = Payment(account=1, amount=10)
REPEATS = 60


@pytest.fixture
def clock() -> WallClock:
    return WallClock()


@pytest.fixture
async def regions(database: Database, other_region: Database, clock: WallClock) -> AsyncIterator[Regions]:
    await open_accounts(database)
    async with ledgers(clock, database, other_region) as running:
        yield running


async def pay(regions: Regions, request: Payment, key: str, node: str | None = None) -> int:
    answer: Balance = await regions.client.call(PAY, request, headers={KEY_HEADER: key}, node=node, deadline_seconds=30)
    return answer.balance


async def forget(database: Database, clock: WallClock) -> int:
    return await database.write(lambda c: forget_old_answers(c, clock.epoch_milliseconds()), soon())


async def recorded(database: Database) -> int:
    async def count(connection: AsyncConnection) -> int:
        return int(await connection.scalar(select(func.count()).select_from(recorded_answers)) or 0)

    return await database.read(count, soon())


async def test_a_repeat_answers_the_same_in_every_region_and_changes_nothing(regions: Regions) -> None:
    first, second = regions.nodes
    assert await pay(regions, TEN, "k", first) == 10
    assert await pay(regions, TEN, "other") == 20
    assert [await pay(regions, TEN, "k", node) for node in (first, second, second)] == [10, 10, 10]
    assert await balance(regions.databases[0]) == 20


async def test_repeats_that_arrive_together_in_two_regions_have_one_effect_and_equal_answers(regions: Regions) -> None:
    together = [pay(regions, TEN, "k", regions.nodes[number % 2]) for number in range(REPEATS)]
    assert await asyncio.gather(*together) == [10] * REPEATS
    assert await balance(regions.databases[0]) == 10


async def test_the_same_key_with_another_request_is_a_conflict(regions: Regions) -> None:
    await pay(regions, TEN, "k")
    for node in regions.nodes:
        with pytest.raises(Conflict, match="used for another request"):
            await pay(regions, Payment(account=1, amount=11), "k", node)
    assert await balance(regions.databases[0]) == 10


async def test_a_refusal_is_for_good_in_every_region(regions: Regions) -> None:
    """Even where it could be granted by now: its caller was told that it did not happen."""
    for node in (*regions.nodes, regions.nodes[0]):
        with pytest.raises(Conflict, match="must not fall below 0") as refused:
            await pay(regions, Payment(account=1, amount=-10), "k", node)
        assert refused.value.data == {"balance": 0}
        await pay(regions, TEN, f"before {node}")
    assert await recorded(regions.databases[0]) > 0


async def test_a_run_that_was_on_its_way_when_its_repeat_was_refused_does_not_happen(
    database: Database, other_region: Database, clock: WallClock
) -> None:
    arrived, go_on = asyncio.Event(), asyncio.Event()

    class HeldUp(Database):
        """As in a region that is slow."""

        async def write(self, unit: Unit[Result], deadline: Deadline, *, recognises_itself: bool = False) -> Result:
            arrived.set()
            await go_on.wait()
            return await super().write(unit, deadline, recognises_itself=recognises_itself)

    await open_accounts(database)
    held_up = HeldUp(database.engine)
    async with ledgers(clock, held_up, other_region) as regions:
        slow, quick = regions.nodes
        first = asyncio.ensure_future(pay(regions, Payment(account=1, amount=-10), "k", slow))
        await arrived.wait()
        with pytest.raises(Conflict):
            await pay(regions, Payment(account=1, amount=-10), "k", quick)
        await pay(regions, TEN, "other", quick)
        go_on.set()
        with pytest.raises(Conflict):
            await first
    assert await balance(other_region) == 10


async def test_each_call_without_a_key_of_its_own_is_one_of_its_own(regions: Regions) -> None:
    for _ in range(2):
        await regions.client.call(PAY, TEN)
    assert await balance(regions.databases[0]) == 20


async def test_keys_are_forgotten_when_they_are_old_and_not_before(regions: Regions, clock: WallClock) -> None:
    database = regions.databases[0]
    await pay(regions, TEN, "old")
    clock.epoch_seconds += int(KEEP_SECONDS)
    await pay(regions, TEN, "young")
    assert await forget(database, clock) == 0
    clock.epoch_seconds += 1
    assert await forget(database, clock) == 1
    assert await recorded(database) == 1
    assert await pay(regions, TEN, "young") == 20
    assert await pay(regions, TEN, "old") == 30


async def test_more_old_keys_than_fit_one_transaction_are_forgotten_in_several(
    regions: Regions, clock: WallClock
) -> None:
    database, many = regions.databases[0], FORGET_ROWS + 1

    async def record(connection: AsyncConnection) -> None:
        rows = [
            {"id": number.to_bytes(16, "big"), "request": bytes(16), "answer": b"1", "recorded_at": 0}
            for number in range(many)
        ]
        await connection.execute(recorded_answers.insert(), rows)

    await database.write(record, soon())
    assert [await forget(database, clock) for _ in range(3)] == [FORGET_ROWS, 1, 0]


async def test_a_commit_that_nobody_heard_of_is_resolved_by_its_key(database: Database) -> None:
    """The unit is run again, finds what the first run left, and answers that."""
    runs: list[bool] = []
    doubtful = Database(database.engine, random=Random(7))

    async def unit(connection: AsyncConnection) -> str:
        runs.append(True)
        if len(runs) == 1:
            raise InDoubt(UNKNOWN)
        return "recorded"

    assert await doubtful.write(unit, soon(), recognises_itself=True) == "recorded"
    assert len(runs) == 2


async def test_a_commit_that_nobody_heard_of_is_left_to_a_caller_without_a_key(database: Database) -> None:
    runs: list[bool] = []

    async def unit(connection: AsyncConnection) -> None:
        runs.append(True)
        raise InDoubt(UNKNOWN)

    with pytest.raises(InDoubt, match="not known"):
        await database.write(unit, soon())
    assert len(runs) == 1
