"""What a lease promises: on each store, and of the fake that the runner is tested with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from broker import Broker, BrokerConfig, Service
from broker.testing import MemoryNetwork
from schema.errors import Conflict
from schema.jobs import (
    CLAIM_SLOT,
    END_LEASE,
    FORGET_ANSWERS,
    READ_SLOT,
    RENEW_LEASE,
    ClaimSlot,
    EndLease,
    OfLease,
    OfSlot,
    RenewLease,
    SlotState,
)
from tests.messier.job_store import MemoryJobs
from tests.whirlpool.conftest import WallClock
from whirlpool.jobs import JobStore
from whirlpool.transactions import Database

JOB = "tidy"
LEASE_SECONDS = 10
REGIONS = ("west", "east")
CLAIMANTS = 12


@dataclass
class Nodes:
    client: Broker
    clock: WallClock

    async def claim(self, slot: int, holder: str = "west", region: str = "west") -> int | None:
        request = ClaimSlot(job=JOB, slot=slot, holder=holder, lease_seconds=LEASE_SECONDS)
        answer = await self.client.call(CLAIM_SLOT, request, node=f"whirlpool-{region}-1", deadline_seconds=30)
        return answer.token

    async def claimed(self, slot: int) -> OfLease:
        token = await self.claim(slot)
        assert token is not None
        return OfLease(job=JOB, token=token)

    async def renew(self, lease: OfLease) -> int:
        renewal = RenewLease(job=lease.job, token=lease.token, lease_seconds=LEASE_SECONDS)
        return (await self.client.call(RENEW_LEASE, renewal)).until

    async def end(self, lease: OfLease, *, done: bool) -> None:
        await self.client.call(END_LEASE, EndLease(job=lease.job, token=lease.token, done=done))

    async def step(self, lease: OfLease) -> int:
        return (await self.client.call(FORGET_ANSWERS, lease)).answers

    async def state(self, slot: int) -> SlotState:
        return await self.client.call(READ_SLOT, OfSlot(job=JOB, slot=slot))


@asynccontextmanager
async def serving(clock: WallClock, *stores: Service) -> AsyncIterator[Nodes]:
    """Each store in a region of its own."""
    network = MemoryNetwork()
    client = Broker(BrokerConfig(region="west", node="client-west-1"), network.transport())
    brokers = [
        Broker(BrokerConfig(region=region, node=f"whirlpool-{region}-1"), network.transport()) for region in REGIONS
    ]
    for broker, store in zip(brokers, stores, strict=True):
        broker.add(store)
    async with brokers[0], brokers[1], client:
        await client.wait_for(JobStore.name, deadline_seconds=10)
        yield Nodes(client, clock)


class Promises:
    async def test_of_many_that_claim_a_slot_in_two_regions_one_gets_it(self, nodes: Nodes) -> None:
        claims = (nodes.claim(7, f"attempt {number}", REGIONS[number % 2]) for number in range(CLAIMANTS))
        tokens = await asyncio.gather(*claims)
        assert sorted(token for token in tokens if token is not None) == [1]
        assert await nodes.state(7) == SlotState(done=False, free=False)

    async def test_a_claim_that_is_repeated_finds_itself(self, nodes: Nodes) -> None:
        assert [await nodes.claim(7, "mine", region) for region in REGIONS] == [1, 1]

    async def test_a_slot_that_is_done_is_never_begun_again(self, nodes: Nodes) -> None:
        lease = await nodes.claimed(7)
        await nodes.end(lease, done=True)
        assert await nodes.state(7) == SlotState(done=True, free=True)
        assert [await nodes.claim(slot, "other", "east") for slot in (6, 7)] == [None, None]
        assert await nodes.claim(8, "other", "east") == 2

    async def test_a_slot_that_was_given_back_may_be_begun_at_once(self, nodes: Nodes) -> None:
        await nodes.end(await nodes.claimed(7), done=False)
        assert await nodes.claim(7, "other", "east") == 2

    async def test_a_lease_lasts_as_long_as_was_said_and_longer_when_it_is_renewed(self, nodes: Nodes) -> None:
        lease = await nodes.claimed(7)
        nodes.clock.epoch_seconds += LEASE_SECONDS - 1
        assert await nodes.renew(lease) == (nodes.clock.epoch_seconds + LEASE_SECONDS) * 1000
        nodes.clock.epoch_seconds += LEASE_SECONDS - 1
        assert await nodes.claim(7, "other", "east") is None
        nodes.clock.epoch_seconds += 1
        assert await nodes.claim(7, "other", "east") == 2

    async def test_a_lease_that_ran_out_is_renewed_while_nobody_took_it(self, nodes: Nodes) -> None:
        lease = await nodes.claimed(7)
        nodes.clock.epoch_seconds += LEASE_SECONDS + 1
        await nodes.renew(lease)
        assert await nodes.claim(7, "other", "east") is None

    async def test_whoever_lost_a_lease_can_do_nothing_under_it(self, nodes: Nodes) -> None:
        lost = await nodes.claimed(7)
        assert await nodes.step(lost) == 0
        nodes.clock.epoch_seconds += LEASE_SECONDS
        assert await nodes.claim(7, "other", "east") == 2
        for attempt in (nodes.renew(lost), nodes.step(lost), nodes.end(lost, done=True)):
            with pytest.raises(Conflict):
                await attempt
        assert await nodes.step(OfLease(job=JOB, token=2)) == 0

    async def test_nothing_is_done_under_a_lease_that_was_ended(self, nodes: Nodes) -> None:
        lease = await nodes.claimed(7)
        for _ in range(2):
            await nodes.end(lease, done=True)
        for attempt in (nodes.renew(lease), nodes.step(lease)):
            with pytest.raises(Conflict):
                await attempt


class TestInSql(Promises):
    @pytest.fixture
    async def nodes(self, database: Database, other_region: Database) -> AsyncIterator[Nodes]:
        clock = WallClock()
        async with serving(clock, JobStore(database, clock), JobStore(other_region, clock)) as nodes:
            yield nodes


class TestInMemory(Promises):
    @pytest.fixture
    async def nodes(self) -> AsyncIterator[Nodes]:
        clock = WallClock()
        store, same = MemoryJobs(clock), MemoryJobs(clock)
        same.rows = store.rows
        async with serving(clock, store, same) as nodes:
            yield nodes
