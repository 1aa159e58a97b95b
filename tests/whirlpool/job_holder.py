"""A region's whirlpool and messier in one process, at work on a job that never ends: `job_holder DATABASE_URL`.

Says under which token, and is there to be killed."""

from __future__ import annotations

import asyncio
import json
import sys
from random import Random

from broker import Broker, BrokerConfig
from broker.clock import SystemClock
from broker.testing import MemoryNetwork
from messier.jobs import Job, Jobs, Turn
from schema.jobs import FORGET_ANSWERS
from tests.whirlpool.conftest import open_database
from whirlpool.jobs import JobStore

SLOT_SECONDS = 10**9


async def hold(url: str) -> None:
    network, clock = MemoryNetwork(), SystemClock()
    data = Broker(BrokerConfig(region="west", node="whirlpool-west-1"), network.transport())
    data.add(JobStore(open_database(url), clock))
    logic = Broker(BrokerConfig(region="west", node="messier-west-1"), network.transport())

    async def work(turn: Turn) -> None:
        await logic.call(FORGET_ANSWERS, turn.lease)
        print(json.dumps({"token": turn.lease.token}), flush=True)
        await asyncio.Event().wait()

    async with data, logic:
        await logic.wait_for(JobStore.name, deadline_seconds=30)
        await Jobs(logic, clock, Random(7), [Job("tidy", SLOT_SECONDS, work)]).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(hold(sys.argv[1]))
