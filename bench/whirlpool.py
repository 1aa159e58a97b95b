"""Reads and writes through whirlpool, in a mesh in one process, against SQLAlchemy on the same members used directly.

Three real members share this machine, so a round trip between them costs next to nothing: what is shown is what our
layers add, and what waiting for the cluster adds where there is no distance. Contenders take turns within each round.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from statistics import median
from typing import ClassVar, TypeAlias

import uvloop
from pydantic import SecretStr
from rich.progress import Progress
from sqlalchemy import Column, Integer, MetaData, Table, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bench.report import OURS, Row, middle
from broker import Broker, BrokerConfig, Context, Encoded, Service, action
from broker.clock import SystemClock
from broker.policies.deadline import Deadline
from broker.testing import MemoryNetwork
from lab.trial import Trial, trial
from migrations import schema
from schema.action import Action, Message
from schema.freshness import READ_YOUR_WRITES
from whirlpool.config import DatabaseConfig
from whirlpool.engine import open_engine
from whirlpool.idempotency import KeyedWrites
from whirlpool.isolation import add_to
from whirlpool.reads import Reads
from whirlpool.transactions import Database

FIRST_ADDRESS = "127.77.75.1"
"""Away from the regions of this machine, and from those of the tests."""
AT_ONCE = 8
"""As many as there are connections."""
ROWS = 1_000
SEED = 2168
WARM_UP_SECONDS = 0.3
DEADLINE_SECONDS = 30.0

DIRECT, UNKEYED, FRESH = "sqlalchemy", "localgroup-unkeyed", "localgroup-fresh"
READ_CASE, WRITE_CASE = "read by key", "single-row write"
REQUESTS, MILLISECONDS = "requests/s", "ms"

Once: TypeAlias = Callable[[int], Awaitable[object]]
"""One request, for a row."""

counters = Table(
    "bench_counters",
    MetaData(),
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("value", Integer, nullable=False),
    mysql_engine="InnoDB",
)


class OfCounter(Message):
    id: int


class Value(Message):
    value: int


READ = Action("counters.read", OfCounter, Value, safe=True)
COUNT = Action("counters.count", OfCounter, Value, safe=False, keyed=True)
COUNT_UNKEYED = Action("counters.count-unkeyed", OfCounter, Value, safe=False)


class Counters(Service):
    name: ClassVar[str] = "counters"

    def __init__(self, database: Database) -> None:
        self._reads = Reads(database)
        self._writes = KeyedWrites(database, SystemClock())

    @action(READ)
    async def read(self, context: Context, request: OfCounter) -> Value:
        return Value(value=await self._reads.run(context, lambda c: read_directly(c, request.id)))

    @action(COUNT)
    async def count(self, context: Context, request: OfCounter) -> Value | Encoded:
        return await self._writes.run(context, COUNT, request, lambda c: _count(c, request.id))

    @action(COUNT_UNKEYED)
    async def count_unkeyed(self, context: Context, request: OfCounter) -> Value | Encoded:
        return await self._writes.run(context, COUNT_UNKEYED, request, lambda c: _count(c, request.id))


async def _count(connection: AsyncConnection, id_: int) -> Value:
    return Value(value=await add_to(connection, counters, {"id": id_}, "value", 1))


async def read_directly(connection: AsyncConnection, id_: int) -> int:
    return int((await connection.scalars(select(counters.c.value).where(counters.c.id == id_))).one())


@dataclass(frozen=True)
class Contender:
    case: str
    name: str
    once: Once


@dataclass(frozen=True)
class Result:
    per_second: float
    p50_milliseconds: float


def run(rounds: int, seconds: float) -> list[Row]:
    with trial(FIRST_ADDRESS, embedded=False, with_tiers=False) as members:
        schema.upgrade(members.database_url(members.regions[0]))
        return uvloop.run(_measure_all(members, rounds, seconds))


async def _measure_all(members: Trial, rounds: int, seconds: float) -> list[Row]:
    logging.getLogger("broker").setLevel(logging.ERROR)
    results: dict[tuple[str, str], list[Result]] = defaultdict(list)
    async with _contenders(members.database_url(members.regions[0])) as contenders:
        with Progress(transient=True) as progress:
            task = progress.add_task("whirlpool", total=rounds * len(contenders))
            for number in range(rounds):
                first = number % len(contenders)
                for contender in contenders[first:] + contenders[:first]:
                    await _measure(contender.once, WARM_UP_SECONDS)
                    results[contender.case, contender.name].append(await _measure(contender.once, seconds))
                    progress.advance(task)
        return _rows(contenders, results)


async def _measure(once: Once, seconds: float) -> Result:
    """`AT_ONCE` callers, each with its own rows, so that none waits for another's lock."""
    latencies: list[float] = []
    began = time.perf_counter()
    ends = began + seconds

    async def caller(number: int) -> None:
        random = Random(SEED + number)
        while (asked := time.perf_counter()) < ends:
            await once(random.randrange(number, ROWS, AT_ONCE))
            latencies.append(time.perf_counter() - asked)

    await asyncio.gather(*(caller(number) for number in range(AT_ONCE)))
    return Result(len(latencies) / (time.perf_counter() - began), median(latencies) * 1000)


@asynccontextmanager
async def _contenders(url: str) -> AsyncIterator[list[Contender]]:
    """Ours and the plain driver have pools of their own, made alike."""
    database, plain = Database(open_pool(url)), open_pool(url)
    await fill(database)
    network = MemoryNetwork()
    data = Broker(BrokerConfig(region="west", node="whirlpool-west-1"), network.transport())
    data.add(Counters(database))
    client = Broker(BrokerConfig(region="west", node="messier-west-1"), network.transport())
    async with data, client:
        await client.wait_for(Counters.name, deadline_seconds=DEADLINE_SECONDS)
        yield _all(client, plain)
    await database.stop()
    await plain.dispose()


def _all(client: Broker, plain: AsyncEngine) -> list[Contender]:
    async def read(id_: int, headers: Mapping[str, str] | None = None) -> None:
        await client.call(READ, OfCounter(id=id_), headers=headers or {}, deadline_seconds=DEADLINE_SECONDS)

    async def write(id_: int) -> None:
        await client.call(COUNT, OfCounter(id=id_), deadline_seconds=DEADLINE_SECONDS)

    async def write_unkeyed(id_: int) -> None:
        await client.call(COUNT_UNKEYED, OfCounter(id=id_), deadline_seconds=DEADLINE_SECONDS)

    async def read_plain(id_: int) -> None:
        async with plain.connect() as connection:
            await read_directly(connection, id_)

    async def write_plain(id_: int) -> None:
        async with plain.begin() as connection:
            changed = update(counters).where(counters.c.id == id_).values(value=counters.c.value + 1)
            await connection.execute(changed)
            await read_directly(connection, id_)

    return [
        Contender(READ_CASE, OURS, read),
        Contender(READ_CASE, FRESH, lambda id_: read(id_, READ_YOUR_WRITES)),
        Contender(READ_CASE, DIRECT, read_plain),
        Contender(WRITE_CASE, OURS, write),
        Contender(WRITE_CASE, UNKEYED, write_unkeyed),
        Contender(WRITE_CASE, DIRECT, write_plain),
    ]


def open_pool(url: str) -> AsyncEngine:
    return open_engine(DatabaseConfig(database_url=SecretStr(url), pool_size=AT_ONCE))


async def fill(database: Database) -> None:
    async def unit(connection: AsyncConnection) -> None:
        await connection.run_sync(counters.create)
        await connection.execute(insert(counters), [{"id": id_, "value": 0} for id_ in range(ROWS)])

    await database.write(unit, Deadline.after(DEADLINE_SECONDS, SystemClock()))


def _rows(contenders: list[Contender], results: Mapping[tuple[str, str], list[Result]]) -> list[Row]:
    rows: list[Row] = []
    for each in contenders:
        rounds = results[each.case, each.name]
        per_second = (result.per_second for result in rounds)
        rows.append(middle(f"{each.case}, throughput", each.name, per_second, REQUESTS, higher_is_better=True))
        p50 = (result.p50_milliseconds for result in rounds)
        rows.append(middle(f"{each.case}, p50", each.name, p50, MILLISECONDS, higher_is_better=False))
    return sorted(rows, key=lambda row: row.case, reverse=True)
