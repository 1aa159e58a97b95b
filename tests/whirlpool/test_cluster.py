"""What only several real members can show: writes that collide between regions, commits that nobody heard of, members
that are lost, and leases that outlive them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from random import Random
from typing import Any

import pytest
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from broker import Broker, BrokerConfig
from broker.clock import SystemClock
from broker.policies.idempotency import KEY_HEADER
from broker.testing import MemoryNetwork
from lab import galera, up
from lab.trial import Trial, trial
from messier.jobs import LEASE_SECONDS, Job, Jobs, Turn
from migrations import schema
from schema.action import Nothing
from schema.courses import READ_VERSIONS
from schema.errors import Invalid, MeshError
from schema.freshness import READ_YOUR_WRITES, STALE_SECONDS, stale
from schema.jobs import FORGET_ANSWERS
from tests.waiting import POLL_SECONDS, eventually
from tests.whirlpool.cluster import FIRST_ADDRESS, Fault, Kills, database_of, line_to
from tests.whirlpool.conftest import course_store, empty, soon
from tests.whirlpool.ledger import (
    PAY,
    READ,
    OfAccount,
    Payment,
    Regions,
    accounts,
    ledgers,
    open_accounts,
)
from whirlpool.canary import Canary
from whirlpool.courses import CourseStore
from whirlpool.driver_errors import TOO_MUCH
from whirlpool.freshness import Freshness
from whirlpool.health import DatabaseHealth
from whirlpool.idempotency import KeyedWrites
from whirlpool.jobs import JobStore
from whirlpool.reads import StaleReads, stale_twin
from whirlpool.transactions import Database

pytestmark = pytest.mark.servers

TEN = Payment(account=1, amount=10)
WRITERS = 30
REPEATS = 1_000
KILLS = 5
PAYMENTS_MAX = 2_000
SECONDS = 60
"""Far longer than a cluster takes to make up its mind on who is gone."""
TAKEOVER_SECONDS_MAX = 10
SLOT_SECONDS = 10**9
"""One slot for as long as the tests run."""


@pytest.fixture(scope="module")
def members() -> Iterator[Trial]:
    with trial(FIRST_ADDRESS, embedded=False, with_tiers=False) as found:
        schema.upgrade(found.database_url(found.regions[0]))
        yield found


@pytest.fixture
async def databases(members: Trial) -> AsyncIterator[list[Database]]:
    """All members in step, no key seen before, and no account with anything in it."""
    await asyncio.to_thread(up.start_servers, members.laboratory)
    found = [database_of(members, number) for number in range(3)]
    await empty(found[0])
    await open_accounts(found[0])
    yield found
    for database in found:
        await database.stop()


@pytest.fixture
async def regions(databases: list[Database]) -> AsyncIterator[Regions]:
    async with ledgers(SystemClock(), *databases) as running:
        yield running


async def fresh_balance(database: Database) -> int:
    async def read(connection: AsyncConnection) -> int:
        return int(await connection.scalar(text("SELECT balance FROM trial_accounts WHERE id = 1")) or 0)

    return await database.read(read, soon(), Freshness.FRESH)


async def test_no_payment_of_three_regions_that_collide_is_lost_or_doubled(regions: Regions) -> None:
    async def pay(number: int) -> bool:
        try:
            await regions.client.call(PAY, TEN, node=regions.nodes[number % 3], deadline_seconds=SECONDS)
        except MeshError as error:
            assert error.retryable  # noqa: PT017 (refused, and so without effect)
            return False
        return True

    paid = await asyncio.gather(*(pay(number) for number in range(WRITERS)))
    assert sum(paid) > WRITERS / 2
    assert [await fresh_balance(database) for database in regions.databases] == [10 * sum(paid)] * 3


async def test_one_key_that_is_sent_a_thousand_times_at_once_through_three_regions_has_one_effect(
    regions: Regions,
) -> None:
    def pay(number: int) -> Any:
        return regions.client.call(
            PAY, TEN, headers={KEY_HEADER: "k"}, node=regions.nodes[number % 3], deadline_seconds=SECONDS
        )

    answers = await asyncio.gather(*(pay(number) for number in range(REPEATS)))
    assert [answer.balance for answer in answers] == [10] * REPEATS
    assert await fresh_balance(regions.databases[2]) == 10


async def test_a_fresh_read_sees_what_another_region_acknowledged_before(regions: Regions) -> None:
    west, _, east = regions.nodes
    for number in range(1, 101):
        await regions.client.call(PAY, Payment(account=1, amount=1), node=west, deadline_seconds=SECONDS)
        seen = await regions.client.call(
            READ, OfAccount(account=1), headers=READ_YOUR_WRITES, node=east, deadline_seconds=SECONDS
        )
        assert seen.balance == number


@pytest.mark.parametrize("fault", Fault)
async def test_connection_lost_during_commit_is_resolved_here_by_the_key(
    members: Trial, databases: list[Database], fault: Fault
) -> None:
    async with line_to(members.database_url(members.regions[0])) as (line, over_line):
        async with ledgers(SystemClock(), over_line) as running:
            assert (await running.client.call(PAY, TEN, headers={KEY_HEADER: "first"})).balance == 10
            line.fault = fault
            for _ in range(2):
                answer = await running.client.call(PAY, TEN, headers={KEY_HEADER: "k"}, deadline_seconds=SECONDS)
                assert answer.balance == 20
        assert line.cuts == 1
    assert [await fresh_balance(database) for database in databases] == [20] * 3


@pytest.mark.parametrize("fault", Fault)
async def test_connection_lost_during_commit_is_resolved_in_another_region_by_the_key(
    members: Trial, databases: list[Database], fault: Fault
) -> None:
    """The first region makes no second attempt, so it stays in doubt, and the mesh repeats the call elsewhere."""
    async with line_to(members.database_url(members.regions[0])) as (line, over_line):
        line.fault = fault
        once = Database(over_line.engine, attempts=1)
        async with ledgers(SystemClock(), once, databases[1]) as running:
            for _ in range(2):
                answer = await running.client.call(PAY, TEN, headers={KEY_HEADER: "k"}, deadline_seconds=SECONDS)
                assert answer.balance == 10
        assert line.cuts == 1
    assert [await fresh_balance(database) for database in databases] == [10] * 3


async def test_connections_killed_during_commit_lose_nothing_and_double_nothing(
    members: Trial, databases: list[Database]
) -> None:
    """KILL CONNECTION, as an operator would, whenever a commit is seen under way."""
    kills, paid = Kills(members.laboratory.member(members.regions[0])), 0
    async with ledgers(SystemClock(), databases[0], databases[1]) as running:
        killer = asyncio.ensure_future(asyncio.to_thread(kills.go_on))
        try:
            while kills.done < KILLS and paid < PAYMENTS_MAX:
                headers, one = {KEY_HEADER: f"k{paid}"}, Payment(account=1, amount=1)
                answer = await running.client.call(PAY, one, headers=headers, deadline_seconds=SECONDS)
                paid += 1
                assert answer.balance == paid
        finally:
            kills.enough = True
            await killer
    assert kills.done >= KILLS
    assert [await fresh_balance(database) for database in databases] == [paid] * 3


@pytest.mark.parametrize("setting", ["wsrep_max_ws_rows=10", "wsrep_max_ws_size=2048"])
async def test_a_write_set_that_is_too_large_is_refused_with_a_way_out(
    members: Trial, databases: list[Database], setting: str
) -> None:
    name = setting.partition("=")[0]

    async def fill(connection: AsyncConnection) -> None:
        rows = [{"id": number, "owner": f"{number:040d}", "balance": 0, "version": 1} for number in range(1_000, 1_200)]
        await connection.execute(insert(accounts), rows)

    before = as_root(members, 0, f"SELECT @@GLOBAL.{name}")[0][0]
    as_root(members, 0, f"SET GLOBAL {setting}")
    try:
        with pytest.raises(Invalid) as refused:
            await databases[0].write(fill, soon())
    finally:
        as_root(members, 0, f"SET GLOBAL {name}={before}")
    assert refused.value.message == TOO_MUCH
    await databases[0].write(fill, soon())


def as_root(members: Trial, number: int, *statements: str) -> list[tuple[Any, ...]]:
    return galera.ask(members.laboratory.member(members.regions[number]), *statements)


async def test_a_member_that_lost_its_quorum_withdraws_answers_old_reads_labelled_and_returns_by_itself(
    members: Trial, databases: list[Database]
) -> None:
    network, clock, random = MemoryNetwork(), SystemClock(), Random(7)
    database = databases[0]
    data = Broker(BrokerConfig(region="west", node="whirlpool-west-1"), network.transport())
    data.add(course_store(database, clock))
    data.add(stale_twin(CourseStore(StaleReads(database, clock), KeyedWrites(database, clock), clock)))
    client = Broker(BrokerConfig(region="west", node="client-west-1"), network.transport())

    async def offer_or_withdraw(well: bool) -> None:
        await (data.offer if well else data.withdraw)(CourseStore.name)

    canary = Canary(database, clock, random, data.node_id)
    health = DatabaseHealth(database, clock, random, offer_or_withdraw, canary=canary)
    async with data, client:
        await canary.sing()
        await health.start()
        await eventually(lambda: client.available(READ_VERSIONS.name))
        as_root(members, 0, "SET GLOBAL wsrep_provider_options='gmcast.isolate=1'")
        try:
            await eventually(lambda: not client.available(READ_VERSIONS.name), SECONDS)
            said: dict[str, Any] = {}
            await client.call(stale(READ_VERSIONS), Nothing(), meta=said, deadline_seconds=SECONDS)
            assert said[STALE_SECONDS] > 0
            assert "no quorum" in str(health.reason())
        finally:
            as_root(members, 0, "SET GLOBAL wsrep_provider_options='gmcast.isolate=0'")
        await eventually(lambda: client.available(READ_VERSIONS.name), SECONDS)
        assert health.reason() is None
        await health.stop()


async def test_region_killed_while_it_holds_a_lease_is_followed_by_another_within_ten_seconds(
    members: Trial, databases: list[Database]
) -> None:
    """Process and member of the holder are killed at once; its lease's own times tell how long nobody had it."""
    url = members.database_url(members.regions[0])
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.whirlpool.job_holder", url, stdout=asyncio.subprocess.PIPE
    )
    assert holder.stdout is not None
    async with asyncio.timeout(SECONDS):
        held = json.loads(await holder.stdout.readline())
    network, clock, turns = MemoryNetwork(), SystemClock(), list[Turn]()
    data = Broker(BrokerConfig(region="east", node="whirlpool-east-1"), network.transport())
    data.add(JobStore(databases[2], clock))
    logic = Broker(BrokerConfig(region="east", node="messier-east-1"), network.transport())
    finish = asyncio.Event()

    async def work(turn: Turn) -> None:
        await logic.call(FORGET_ANSWERS, turn.lease, deadline_seconds=SECONDS)
        turns.append(turn)
        await finish.wait()

    async with data, logic:
        await logic.wait_for(JobStore.name, deadline_seconds=SECONDS)
        jobs = Jobs(logic, clock, Random(7), [Job("tidy", SLOT_SECONDS, work)])
        await jobs.start()
        members.kill("galera-west-1")
        holder.send_signal(signal.SIGKILL)
        await holder.wait()
        last, first = await change_of_lease(databases[2], held["token"])
        await eventually(lambda: turns, SECONDS)
        finish.set()
        await jobs.drain()
        await jobs.stop()
    await asyncio.to_thread(up.start_servers, members.laboratory)
    lease_milliseconds = int(LEASE_SECONDS * 1000)
    renewed_at, claimed_at = (row["leased_until"] - lease_milliseconds for row in (last, first))
    print(f"nobody had the lease for {(claimed_at - renewed_at) / 1000:.1f} s")
    assert first["token"] == turns[0].lease.token == held["token"] + 1
    assert last["leased_until"] <= claimed_at <= renewed_at + TAKEOVER_SECONDS_MAX * 1000
    assert (await lease_of(databases[2]))["done_slot"] == turns[0].slot


async def change_of_lease(database: Database, token: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The lease as it was last under that token, and first under the next one."""
    last: dict[str, Any] = {}
    async with asyncio.timeout(SECONDS):
        while True:
            with contextlib.suppress(MeshError):  # while the cluster makes up its mind
                found = await lease_of(database)
                if found["token"] != token:
                    return last, found
                last = found
            await asyncio.sleep(POLL_SECONDS)


async def lease_of(database: Database) -> dict[str, Any]:
    async def read(connection: AsyncConnection) -> dict[str, Any]:
        row = (await connection.execute(text("SELECT * FROM jobs WHERE name = 'tidy'"))).mappings().one()
        return dict(row)

    return await database.read(read, soon())
