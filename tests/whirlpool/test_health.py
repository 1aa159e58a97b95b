from __future__ import annotations

from collections.abc import Callable
from random import Random

from broker import Broker, BrokerConfig
from broker.clock import SystemClock
from broker.refusals import NotSent
from broker.testing import FakeClock, MemoryNetwork
from migrations import schema
from tests.waiting import eventually
from tests.whirlpool.conftest import course_store, open_database
from whirlpool.courses import CourseStore
from whirlpool.health import UNKNOWN, DatabaseHealth
from whirlpool.transactions import Database


async def nobody_to_tell(well: bool) -> None:
    return


def watch(database: Database, tell: Callable[[bool], object] = nobody_to_tell) -> DatabaseHealth:
    return DatabaseHealth(database, SystemClock(), Random(7), tell)  # type: ignore[arg-type]


async def test_a_database_with_its_tables_is_well(database: Database) -> None:
    health = watch(database)
    assert health.reason() == UNKNOWN
    await health.check()
    assert health.reason() is None


async def test_a_database_without_its_tables_is_not(fresh_database: Callable[[], str]) -> None:
    database = open_database(fresh_database())
    health = watch(database)
    await health.check()
    assert health.reason() == "the database of this node has not got its tables yet"
    await database.stop()


async def test_tells_the_first_finding_and_then_changes_only(fresh_database: Callable[[], str]) -> None:
    url = fresh_database()
    database, told = open_database(url), list[bool]()

    async def tell(well: bool) -> None:
        told.append(well)

    health = watch(database, tell)
    for _ in range(2):
        await health.check()
    schema.upgrade(url)
    for _ in range(2):
        await health.check()
    assert told == [False, True]
    await database.stop()


async def test_a_node_withdraws_its_services_until_its_database_is_well(fresh_database: Callable[[], str]) -> None:
    url, network, clock = fresh_database(), MemoryNetwork(), SystemClock()
    database = open_database(url)
    data = Broker(BrokerConfig(region="west", node="whirlpool-west-1"), network.transport())
    data.add(course_store(database, clock))
    client = Broker(BrokerConfig(region="west", node="client-west-1"), network.transport())

    async def offer_or_withdraw(well: bool) -> None:
        await (data.offer if well else data.withdraw)(CourseStore.name)

    health = watch(database, offer_or_withdraw)
    async with data, client:
        await client.wait_for(CourseStore.name, deadline_seconds=10)
        await health.check()
        await eventually(lambda: not client.available("db-courses.term"))
        schema.upgrade(url)
        await health.check()
        await eventually(lambda: client.available("db-courses.term"))
    await database.stop()


async def test_goes_on_asking_until_it_is_stopped(database: Database) -> None:
    clock = FakeClock()
    health = DatabaseHealth(database, clock, Random(7), nobody_to_tell)
    await health.start()
    assert health.reason() is None
    await health.drain()
    await health.stop()


async def test_a_change_that_cannot_be_told_now_is_no_failure(database: Database) -> None:
    async def cut_off(well: bool) -> None:
        raise NotSent("not connected to the mesh")

    health = watch(database, cut_off)
    await health.check()
    assert health.reason() is None
