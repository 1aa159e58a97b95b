"""Keyed writes at moderate load while the members are as far apart as cities are: a write should cost one commit, and
a commit one round trip to the farthest member, however many statements it has.

Requests come at even times whether or not the earlier ones are answered, and are timed from when they were due.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from random import Random
from typing import TypeAlias

import uvloop
from sqlalchemy import update

from bench.report import OURS, Row
from bench.whirlpool import (
    COUNT,
    DEADLINE_SECONDS,
    DIRECT,
    MILLISECONDS,
    ROWS,
    SEED,
    Counters,
    OfCounter,
    counters,
    fill,
    open_pool,
)
from broker import Broker, BrokerConfig
from broker.testing import MemoryNetwork
from lab.regions import Region
from lab.trial import Trial, wan_trial
from lab.wan.territory import of_cities
from migrations import schema
from whirlpool.transactions import Database

REGIONS = 3
NAME, NETWORK = "commits", "10.86"
PER_SECOND = 5.0
"""In each region: so that what is measured is the distance and not the machine."""
SECONDS = 20.0
RTT_SHARE, MARGIN_MS = 1.3, 10.0
"""What is wanted of the 99th percentile: so much of the largest round trip, and so much for all the rest."""
WANTED = "wanted at most"
CASE = "single-row write, regions apart"

Once: TypeAlias = Callable[[int], Awaitable[object]]


def run() -> list[Row]:
    territory = of_cities(REGIONS, name=NAME, network=NETWORK)
    largest_ms = max(territory.one_way_ms[a, b] + territory.one_way_ms[b, a] for a, b in territory.one_way_ms)
    with wan_trial(territory, embedded=False, with_tiers=False) as members:
        schema.upgrade(members.database_url(members.regions[0]))
        ours, direct = uvloop.run(_measure(members))
    wanted = RTT_SHARE * largest_ms + MARGIN_MS
    return [
        _row("largest round trip", "distance", largest_ms),
        *(_row(f"{CASE}, {name}", OURS, _percentile(ours, share)) for name, share in (("p50", 0.5), ("p99", 0.99))),
        *(_row(f"{CASE}, {name}", DIRECT, _percentile(direct, share)) for name, share in (("p50", 0.5), ("p99", 0.99))),
        _row(f"{CASE}, p99", WANTED, wanted),
    ]


async def _measure(members: Trial) -> tuple[list[float], list[float]]:
    """Milliseconds, of ours and of SQLAlchemy with the same members used directly."""
    logging.getLogger("broker").setLevel(logging.ERROR)
    async with AsyncExitStack() as stack:
        ours, direct = [], []
        for number, region in enumerate(members.regions):
            database = Database(open_pool(members.database_url(region)))
            stack.push_async_callback(database.stop)
            if number == 0:
                await fill(database)
            ours.append(await _through_whirlpool(stack, region, database))
            direct.append(_directly(database))
        return await _at_even_times(ours), await _at_even_times(direct)


async def _through_whirlpool(stack: AsyncExitStack, region: Region, database: Database) -> Once:
    network = MemoryNetwork()
    data = Broker(BrokerConfig(region=region.name, node=region.node("whirlpool")), network.transport())
    data.add(Counters(database))
    client = Broker(BrokerConfig(region=region.name, node=region.node("messier")), network.transport())
    for broker in (data, client):
        await stack.enter_async_context(broker)
    await client.wait_for(Counters.name, deadline_seconds=DEADLINE_SECONDS)

    async def once(id_: int) -> None:
        await client.call(COUNT, OfCounter(id=id_), deadline_seconds=DEADLINE_SECONDS)

    return once


def _directly(database: Database) -> Once:
    async def once(id_: int) -> None:
        async with asyncio.timeout(DEADLINE_SECONDS), database.engine.begin() as connection:
            await connection.execute(update(counters).where(counters.c.id == id_).values(value=counters.c.value + 1))

    return once


async def _at_even_times(once: list[Once]) -> list[float]:
    """Of all regions together; each has rows of its own, so that no two write the same."""
    took_ms: list[float] = []
    begun = time.perf_counter()

    async def request(number: int, region: int, row: int) -> None:
        due = begun + (number + region / len(once)) / PER_SECOND
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        await once[region](row)
        took_ms.append((time.perf_counter() - due) * 1000)

    random = Random(SEED)
    await asyncio.gather(
        *(
            request(number, region, random.randrange(region, ROWS, len(once)))
            for number in range(int(SECONDS * PER_SECOND))
            for region in range(len(once))
        )
    )
    return took_ms


def _percentile(took_ms: list[float], share: float) -> float:
    return sorted(took_ms)[min(int(share * len(took_ms)), len(took_ms) - 1)]


def _row(case: str, contender: str, milliseconds: float) -> Row:
    return Row(case, contender, round(milliseconds, 1), MILLISECONDS, higher_is_better=False)
