"""Each job runs in one place at a time, once a slot, and goes on elsewhere when that place is gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random

import pytest
from prometheus_client import CollectorRegistry

from broker import Broker, BrokerConfig
from broker.policies.idempotency import KEY_HEADER
from broker.testing import FakeClock, MemoryNetwork, MemoryTransport
from messier.jobs import LEASE_SECONDS, LOOK_SECONDS, RENEW_SECONDS, Job, JobMetrics, Jobs, Turn
from messier.upkeep import upkeep
from schema.errors import Unavailable
from tests.messier.job_store import MemoryJobs

HOUR = 3_600
TAKEOVER_SECONDS_MAX = 10


class Failed(Exception):
    """What work may fail with."""


@dataclass
class Worker:
    """Work that ends when a test says so, and what has been seen of it."""

    region: str
    journal: list[str]
    finish: asyncio.Event = field(default_factory=asyncio.Event)
    failing: bool = False
    turns: list[Turn] = field(default_factory=list)

    async def work(self, turn: Turn) -> None:
        self.turns.append(turn)
        self.journal.append(f"{self.region} begins")
        try:
            await self.finish.wait()
        except asyncio.CancelledError:
            self.journal.append(f"{self.region} breaks off")
            raise
        if self.failing:
            raise Failed
        self.journal.append(f"{self.region} ends")


@dataclass
class Region:
    worker: Worker
    jobs: Jobs
    broker: Broker
    transport: MemoryTransport

    def sample(self, name: str, **labels: str) -> float:
        asked = {"job": "tidy", **labels}
        found = (
            self.broker.metrics.registry.get_sample_value(f"localgroup_jobs_{name}{ending}", asked)
            for ending in ("", "_total")
        )
        return next((value for value in found if value is not None), 0.0)


@dataclass
class Mesh:
    clock: FakeClock
    store: MemoryJobs
    west: Region
    east: Region
    journal: list[str]

    def counted(self, name: str, **labels: str) -> float:
        """In both regions."""
        return self.west.sample(name, **labels) + self.east.sample(name, **labels)

    async def west_is_at_work(self) -> None:
        await self.west.jobs.start()
        await self.clock.advance(2 * LOOK_SECONDS)
        await self.east.jobs.start()
        assert self.journal == ["west begins"]


@asynccontextmanager
async def region(name: str, network: MemoryNetwork, clock: FakeClock, journal: list[str]) -> AsyncIterator[Region]:
    worker = Worker(name, journal)
    transport = network.transport()
    broker = Broker(BrokerConfig(region=name, node=f"messier-{name}-1"), transport, clock=clock)
    jobs = Jobs(broker, clock, Random(name), [Job("tidy", HOUR, worker.work)])
    async with broker:
        yield Region(worker, jobs, broker, transport)
        await jobs.stop()


@pytest.fixture
async def mesh() -> AsyncIterator[Mesh]:
    network, clock, journal = MemoryNetwork(), FakeClock(), list[str]()
    store = MemoryJobs(clock)
    data = Broker(BrokerConfig(region="west", node="whirlpool-west-1"), network.transport(), clock=clock)
    data.add(store)
    async with (
        data,
        region("west", network, clock, journal) as west,
        region("east", network, clock, journal) as east,
    ):
        await clock.advance(1)
        yield Mesh(clock, store, west, east, journal)


async def test_a_job_runs_in_one_region_and_once_a_slot(mesh: Mesh) -> None:
    mesh.west.worker.finish.set()
    mesh.east.worker.finish.set()
    for each in (mesh.west, mesh.east):
        await each.jobs.start()
    await mesh.clock.advance(60)
    assert len(mesh.journal) == 2
    await mesh.clock.advance(HOUR)
    assert len(mesh.journal) == 4
    assert mesh.store.rows["tidy"].done_slot == 1


async def test_a_long_job_keeps_its_lease_by_renewing_it(mesh: Mesh) -> None:
    await mesh.west_is_at_work()
    await mesh.clock.advance(10 * LEASE_SECONDS)
    mesh.west.worker.finish.set()
    await mesh.clock.advance(60)
    assert mesh.journal == ["west begins", "west ends"]


async def test_another_region_takes_over_when_the_first_is_gone_within_ten_seconds(mesh: Mesh) -> None:
    await mesh.west_is_at_work()
    await mesh.clock.advance(3 * RENEW_SECONDS)
    mesh.west.transport.cut()
    held_until = mesh.store.rows["tidy"].leased_until
    await mesh.clock.advance(TAKEOVER_SECONDS_MAX)
    assert mesh.journal == ["west begins", "west breaks off", "east begins"]
    assert mesh.store.rows["tidy"].claimed_at >= held_until
    assert [turn.lease.token for turn in mesh.east.worker.turns] == [2]


async def test_a_region_that_was_held_up_breaks_off_when_it_hears_that_another_took_over(mesh: Mesh) -> None:
    await mesh.west_is_at_work()
    mesh.store.rows["tidy"].token += 1
    await mesh.clock.advance(RENEW_SECONDS + 0.1)
    assert mesh.journal == ["west begins", "west breaks off"]


async def test_work_that_fails_is_begun_again(mesh: Mesh) -> None:
    await mesh.west_is_at_work()
    mesh.west.worker.failing = True
    mesh.west.worker.finish.set()
    mesh.east.worker.finish.set()
    await mesh.clock.advance(0.1)
    mesh.west.worker.failing = False
    await mesh.clock.advance(2 * LOOK_SECONDS)
    assert mesh.journal[-1] in ("west ends", "east ends")
    assert mesh.store.rows["tidy"].done_slot == 0
    assert mesh.counted("ended", outcome="failed") >= 1
    assert mesh.counted("ended", outcome="done") == 1


async def test_turns_are_counted_with_their_time_and_their_end(mesh: Mesh) -> None:
    await mesh.west_is_at_work()
    assert mesh.counted("running") == 1
    await mesh.clock.advance(3)
    mesh.west.worker.finish.set()
    await mesh.clock.advance(0.1)
    assert (mesh.counted("turns"), mesh.counted("running"), mesh.counted("ended", outcome="done")) == (1, 0, 1)
    assert mesh.counted("seconds") >= 3
    assert mesh.west.sample("done_timestamp_seconds") > 0


async def test_a_node_that_leaves_gives_its_slot_back_at_once(mesh: Mesh) -> None:
    await mesh.west_is_at_work()
    await mesh.west.jobs.stop()
    await mesh.clock.advance(2 * LOOK_SECONDS)
    assert mesh.journal == ["west begins", "west breaks off", "east begins"]


async def test_a_node_that_drains_finishes_what_it_began(mesh: Mesh) -> None:
    await mesh.west_is_at_work()
    draining = asyncio.ensure_future(mesh.west.jobs.drain())
    await mesh.clock.advance(0.1)
    mesh.west.worker.finish.set()
    await draining
    assert mesh.journal == ["west begins", "west ends"]
    assert mesh.store.rows["tidy"].done_slot == 0


async def test_a_claim_whose_answer_got_lost_is_repeated_and_keeps_the_lease_that_it_got(mesh: Mesh) -> None:
    mesh.store.claims_unanswered = 2
    await mesh.west.jobs.start()
    await mesh.clock.advance(4 * LOOK_SECONDS)
    assert mesh.journal == ["west begins"]
    assert [turn.lease.token for turn in mesh.west.worker.turns] == [1]


async def test_nothing_is_begun_while_nobody_can_tell(mesh: Mesh) -> None:
    mesh.store.failing = Unavailable("the database of this node is not ready")
    await mesh.west.jobs.start()
    await mesh.clock.advance(10)
    assert mesh.journal == []
    mesh.store.failing = None
    await mesh.clock.advance(10)
    assert mesh.journal == ["west begins"]


async def test_a_slot_that_is_known_to_be_done_is_not_asked_about_again(mesh: Mesh) -> None:
    await mesh.west_is_at_work()
    mesh.west.worker.finish.set()
    await mesh.clock.advance(5)
    mesh.store.rows.clear()
    await mesh.clock.advance(60)
    assert mesh.journal == ["west begins", "west ends"]


async def test_a_write_of_a_job_has_one_key_a_slot_whoever_does_it(mesh: Mesh) -> None:
    await mesh.west_is_at_work()
    (turn,) = mesh.west.worker.turns
    assert turn.key("mail") == {KEY_HEADER: "tidy/0/mail"}


async def test_old_answers_are_forgotten_step_by_step_until_there_are_none(mesh: Mesh) -> None:
    mesh.store.forgettable = [500, 500, 7]
    metrics = JobMetrics(CollectorRegistry())  # the broker's are those of its other jobs
    jobs = Jobs(mesh.west.broker, mesh.clock, Random(7), upkeep(mesh.west.broker), metrics=metrics)
    await jobs.start()
    await mesh.clock.advance(5)
    await jobs.stop()
    assert mesh.store.forgettable == []
    assert mesh.store.rows["forget-answers"].done_slot == 1
