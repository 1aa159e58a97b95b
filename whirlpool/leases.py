"""A job's lease: one row, taken by one region at a time, each time under a greater token.

    async def step(connection: AsyncConnection) -> int:
        await under_lease(connection, request)
        ...  # the effect

A holder that was held up may believe in its lease after another took it. So belief is no protection: each step writes
the lease's row by its token, in the transaction of its effect, and a step of the past changes nothing.

When a lease runs out is told by the clocks of the nodes that serve. Clocks that differ by seconds let a lease begin
early or late, and two holders work at once for that long; what both do counts once all the same.
"""

from __future__ import annotations

from sqlalchemy import Update, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from schema.errors import Conflict
from schema.jobs import Claimed, ClaimSlot, Ended, EndLease, Held, OfLease, OfSlot, RenewLease, SlotState
from schema.tables import jobs
from whirlpool.isolation import insert_new

NEVER = -1
"""Slots begin at 0."""


async def read_slot(connection: AsyncConnection, request: OfSlot, now: int) -> SlotState:
    asked = select(jobs.c.done_slot, jobs.c.leased_until).where(jobs.c.name == request.job)
    row = (await connection.execute(asked)).one_or_none()
    if row is None:
        return SlotState(done=False, free=True)
    return SlotState(done=row.done_slot >= request.slot, free=row.leased_until <= now)


async def claim(connection: AsyncConnection, request: ClaimSlot, now: int) -> Claimed:
    until = _until(now, request.lease_seconds)
    free = update(jobs).where(jobs.c.name == request.job, jobs.c.done_slot < request.slot, jobs.c.leased_until <= now)
    lease = {"slot": request.slot, "holder": request.holder, "leased_until": until}
    taken = await connection.execute(free.values(lease | {"token": jobs.c.token + 1}))
    if not taken.rowcount:
        first = {"name": request.job, "done_slot": NEVER, "token": 1, "steps": 0}
        await insert_new(connection, jobs, lease | first)
    mine = select(jobs.c.token).where(
        jobs.c.name == request.job,
        jobs.c.holder == request.holder,
        jobs.c.slot == request.slot,
        jobs.c.leased_until > now,
    )
    return Claimed(token=await connection.scalar(mine))


async def renew(connection: AsyncConnection, request: RenewLease, now: int) -> Held:
    """Also one that has run out, as long as nobody else took it."""
    until = _until(now, request.lease_seconds)
    held = _of(request).where(jobs.c.leased_until > 0)
    await _change(connection, request, held.values(leased_until=until))
    return Held(until=until)


async def end(connection: AsyncConnection, request: EndLease) -> Ended:
    values = {"leased_until": 0, "holder": ""}
    done = {"done_slot": jobs.c.slot} if request.done else {}
    await _change(connection, request, _of(request).values(values | done))
    return Ended(done=request.done)


async def under_lease(connection: AsyncConnection, request: OfLease) -> None:
    """Raises `Conflict` if the lease is another's by now, or was ended."""
    await _change(connection, request, _of(request).where(jobs.c.leased_until > 0).values(steps=jobs.c.steps + 1))


def _of(request: OfLease) -> Update:
    return update(jobs).where(jobs.c.name == request.job, jobs.c.token == request.token)


async def _change(connection: AsyncConnection, request: OfLease, change: Update) -> None:
    if not (await connection.execute(change)).rowcount:
        raise Conflict(f"the lease of {request.job} is not held under token {request.token} any more")


def _until(now: int, lease_seconds: float) -> int:
    return now + int(lease_seconds * 1000)
