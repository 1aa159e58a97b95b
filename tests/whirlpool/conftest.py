"""`db-courses` on each kind of database, in a mesh in memory, and a client that hears what it tells."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from random import Random

import pytest
from pydantic import SecretStr

from broker import Broker, BrokerConfig, Context, Service, event
from broker.clock import Clock, SystemClock
from broker.policies.deadline import Deadline
from broker.testing import MemoryNetwork
from migrations import schema
from schema.courses import ROWS_CHANGED, DocumentChanged
from schema.tables import metadata
from tests.mariadb import USABLE
from whirlpool.config import DatabaseConfig
from whirlpool.courses import CourseStore
from whirlpool.engine import open_engine
from whirlpool.idempotency import KeyedWrites
from whirlpool.reads import Reads
from whirlpool.transactions import Database

collect_ignore = [] if USABLE else ["test_galera.py", "test_cluster.py"]

DEADLINE_SECONDS = 30.0


def soon() -> Deadline:
    """A deadline that no test reaches."""
    return Deadline.after(DEADLINE_SECONDS, SystemClock())


def open_database(url: str) -> Database:
    return Database(open_engine(DatabaseConfig(database_url=SecretStr(url))), random=Random(7))


@pytest.fixture(scope="session")
def database_url(fresh_database: Callable[[], str]) -> str:
    """One for all tests of a store; each test finds it empty."""
    url = fresh_database()
    schema.upgrade(url)
    return url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = open_database(database_url)
    await empty(database)
    yield database
    await database.stop()


@pytest.fixture
async def other_region(database: Database, database_url: str) -> AsyncIterator[Database]:
    """Other connections to the same data, from another process as far as the database can tell."""
    other = open_database(database_url)
    yield other
    await other.stop()


def course_store(database: Database, clock: Clock) -> CourseStore:
    return CourseStore(Reads(database), KeyedWrites(database, clock), clock)


async def empty(database: Database) -> None:
    async with database.engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            await connection.execute(table.delete())


class Listener(Service):
    name = "listener"

    def __init__(self) -> None:
        self.heard: list[DocumentChanged] = []

    @event(ROWS_CHANGED)
    async def changed(self, context: Context, payload: DocumentChanged) -> None:
        self.heard.append(payload)


class WallClock(SystemClock):
    """Real time passes; the date stands still unless a test moves it."""

    def __init__(self) -> None:
        self.epoch_seconds = 1_475_000_000

    def epoch_milliseconds(self) -> int:
        return self.epoch_seconds * 1000


@dataclass
class Store:
    client: Broker
    listener: Listener
    clock: WallClock = field(default_factory=WallClock)

    @property
    def heard(self) -> list[DocumentChanged]:
        return self.listener.heard


@pytest.fixture
async def store(database: Database) -> AsyncIterator[Store]:
    network, clock, listener = MemoryNetwork(), WallClock(), Listener()
    data = Broker(BrokerConfig(region="west", node="whirlpool-west-1"), network.transport())
    data.add(course_store(database, clock))
    client = Broker(BrokerConfig(region="west", node="client-west-1"), network.transport())
    client.add(listener)
    async with data, client:
        await client.wait_for(CourseStore.name, deadline_seconds=DEADLINE_SECONDS)
        await data.wait_for(Listener.name, deadline_seconds=DEADLINE_SECONDS)
        yield Store(client, listener, clock)
