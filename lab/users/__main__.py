"""`python -m lab.users PLAN RECORDS`: until it is told to end. Says `READY` on standard output when it has begun."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import BinaryIO

import uvloop

from lab.users import plan as plans
from lab.users.crowd import Crowd
from lab.users.opening import AskedResolver, KnownAddresses, Resolver, connect
from lab.users.plan import Group, Plan
from lab.users.record import Record, line
from lab.users.user import User

READY = b"ready\n"
FLUSH_SECONDS = 0.2


def main() -> None:
    plan, records = plans.read(Path(sys.argv[1])), Path(sys.argv[2])
    with records.open("wb") as file:
        uvloop.run(serve(plan, file))


async def serve(plan: Plan, file: BinaryIO) -> None:
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    flushing = asyncio.create_task(flush(file))
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()
    await asyncio.gather(*(crowd.go_on(over) for crowd in crowds(plan, file)))
    flushing.cancel()


def resolvers(plan: Plan) -> Sequence[Resolver]:
    if not plan.resolvers:
        return [KnownAddresses(plan.addresses)]
    return [AskedResolver(plan.name, server, plan.resolver_port) for server in plan.resolvers]


def crowds(plan: Plan, file: BinaryIO) -> Sequence[Crowd]:
    def keep(record: Record) -> None:
        file.write(line(record))

    run, known = f"{plan.seed}-{time.monotonic_ns()}", resolvers(plan)
    return [Crowd(group, plan.name, users_of(group, plan, known), keep, time.monotonic, run) for group in plan.groups]


def users_of(group: Group, plan: Plan, known: Sequence[Resolver]) -> Sequence[User]:
    """They differ in the resolver that they ask, as those of different networks do."""
    return [
        User(
            group,
            known[number % len(known)],
            connect,
            time.monotonic,
            Random(f"{plan.seed} {group.name} {number}"),  # noqa: S311
            plan.visit_seconds,
        )
        for number in range(group.users)
    ]


async def flush(file: BinaryIO) -> None:
    """Who looks on sees what became of requests soon after."""
    while True:
        await asyncio.sleep(FLUSH_SECONDS)
        file.flush()


if __name__ == "__main__":
    main()
