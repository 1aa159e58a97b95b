"""Work that is written with its cause is done at least once, by one at a time, and is never forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from random import Random

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from broker import Broker, BrokerConfig
from broker.testing import MemoryNetwork
from schema.action import Message
from schema.errors import Conflict
from schema.outbox import (
    FINISH_WORK,
    LIST_UNFINISHED,
    POSTPONE_WORK,
    RELEASE_WORK,
    TAKE_WORK,
    ListUnfinished,
    OfWork,
    PostponeWork,
    ReleaseWork,
    TakeWork,
    Unfinished,
    Work,
)
from tests.whirlpool.conftest import WallClock, soon
from whirlpool.outbox import ATTEMPTS_MAX, Outbox, OutboxStore
from whirlpool.transactions import Database

HOLD_SECONDS = 30
REGIONS = ("west", "east")
PIECES = 12


class Letter(Message):
    number: int


class Cause(Exception):
    """What a unit of work may fail with."""


@dataclass
class Office:
    client: Broker
    clock: WallClock
    outbox: Outbox
    database: Database

    async def put(self, number: int = 1, after_seconds: float = 0.0) -> str:
        async def unit(connection: AsyncConnection) -> str:
            return await self.outbox.put(connection, "mail", Letter(number=number), after_seconds=after_seconds)

        return await self.database.write(unit, soon())

    async def take(self, region: str = "west", topic: str = "mail", at_most: int = 5) -> list[Work]:
        request = TakeWork(topic=topic, at_most=at_most, hold_seconds=HOLD_SECONDS)
        return (await self.client.call(TAKE_WORK, request, node=f"whirlpool-{region}-1", deadline_seconds=30)).work

    async def finish(self, work: Work) -> None:
        await self.client.call(FINISH_WORK, OfWork(id=work.id, token=work.token))

    async def postpone(self, work: Work, seconds: float = 60) -> bool:
        request = PostponeWork(id=work.id, token=work.token, seconds=seconds)
        return (await self.client.call(POSTPONE_WORK, request)).parked

    async def unfinished(self, topic: str | None = None) -> list[Unfinished]:
        return (await self.client.call(LIST_UNFINISHED, ListUnfinished(topic=topic))).work

    async def release(self, id_: str) -> bool:
        return (await self.client.call(RELEASE_WORK, ReleaseWork(id=id_))).released

    async def park(self, id_: str) -> None:
        for _ in range(ATTEMPTS_MAX):
            (work,) = await self.take()
            assert work.id == id_
            await self.postpone(work, seconds=0)


@pytest.fixture
async def office(database: Database, other_region: Database) -> AsyncIterator[Office]:
    network, clock = MemoryNetwork(), WallClock()
    client = Broker(BrokerConfig(region="west", node="client-west-1"), network.transport())
    west, east = (
        Broker(BrokerConfig(region=region, node=f"whirlpool-{region}-1"), network.transport()) for region in REGIONS
    )
    west.add(OutboxStore(database, clock))
    east.add(OutboxStore(other_region, clock))
    async with west, east, client:
        await client.wait_for(OutboxStore.name, deadline_seconds=10)
        yield Office(client, clock, Outbox(clock, Random(7)), database)


async def test_work_that_is_taken_brings_its_payload_and_is_gone_when_it_is_finished(office: Office) -> None:
    id_ = await office.put(42)
    (work,) = await office.take()
    assert work == Work(id=id_, token=1, attempts=1, payload={"number": 42})
    for _ in range(2):
        await office.finish(work)
    office.clock.epoch_seconds += HOLD_SECONDS
    assert await office.take() == []


async def test_work_whose_cause_did_not_happen_is_not_there(office: Office) -> None:
    async def fails(connection: AsyncConnection) -> None:
        await office.outbox.put(connection, "mail", Letter(number=1))
        raise Cause

    with pytest.raises(Cause):
        await office.database.write(fails, soon())
    assert await office.take() == []


async def test_no_work_is_taken_by_two_regions(office: Office) -> None:
    for number in range(PIECES):
        await office.put(number)
    hauls = await asyncio.gather(*(office.take(region, at_most=4) for region in REGIONS * 3))
    hauls.append(await office.take(at_most=PIECES))  # what all of them saw and one of them got is not all there is
    taken = [work.payload["number"] for haul in hauls for work in haul]
    assert sorted(taken) == list(range(PIECES))


async def test_work_that_its_taker_did_not_finish_is_due_again_and_the_late_taker_is_refused(office: Office) -> None:
    await office.put()
    (lost,) = await office.take("west")
    office.clock.epoch_seconds += HOLD_SECONDS - 1
    assert await office.take("east") == []
    office.clock.epoch_seconds += 1
    (again,) = await office.take("east")
    assert (again.id, again.token, again.attempts) == (lost.id, 2, 2)
    for late in (office.finish(lost), office.postpone(lost)):
        with pytest.raises(Conflict, match="taken by another"):
            await late
    await office.finish(again)


async def test_work_is_done_when_it_is_due_and_by_topic(office: Office) -> None:
    await office.put(1, after_seconds=60)
    assert await office.take() == []
    office.clock.epoch_seconds += 60
    assert await office.take(topic="parcels") == []
    assert len(await office.take()) == 1


async def test_postponed_work_comes_back_then_and_the_oldest_comes_first(office: Office) -> None:
    await office.put(1)
    office.clock.epoch_seconds += 1
    await office.put(2)
    first, second = await office.take()
    assert [first.payload["number"], second.payload["number"]] == [1, 2]
    await office.postpone(first, 60)
    await office.postpone(second, 59)
    office.clock.epoch_seconds += 60
    assert [work.payload["number"] for work in await office.take()] == [2, 1]


async def test_work_that_fails_again_and_again_is_parked_for_a_person(office: Office) -> None:
    await office.put()
    parked = []
    for _ in range(ATTEMPTS_MAX):
        (work,) = await office.take()
        parked.append(await office.postpone(work, 0))
    assert parked == [False] * (ATTEMPTS_MAX - 1) + [True]
    office.clock.epoch_seconds += 86_400 * 365
    assert await office.take() == []


async def test_work_that_fails_is_listed_once_it_was_tried_twice(office: Office) -> None:
    id_ = await office.put()
    await office.postpone((await office.take())[0], seconds=0)
    assert await office.unfinished() == []
    await office.postpone((await office.take())[0], seconds=60)
    (found,) = await office.unfinished("mail")
    assert (found.id, found.topic, found.attempts, found.parked) == (id_, "mail", 2, False)
    assert found.due_in_seconds is not None
    assert 0 < found.due_in_seconds <= 60
    assert await office.unfinished("other") == []


async def test_parked_work_is_listed_and_begins_anew_when_a_person_says_so(office: Office) -> None:
    id_ = await office.put()
    await office.park(id_)
    (found,) = await office.unfinished()
    assert (found.id, found.parked, found.due_in_seconds) == (id_, True, None)
    assert await office.release(id_)
    assert not await office.release(id_)
    assert await office.unfinished() == []
    (work,) = await office.take()
    assert (work.id, work.attempts) == (id_, 1)
