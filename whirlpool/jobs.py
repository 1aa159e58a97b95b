"""`db-jobs`: leases of scheduled work, and the steps of jobs that keep this tier itself in order.

For the mesh's own nodes: nobody else has a say in who works. None of these records answers to keys, since each
recognises its own repeats.
"""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy.ext.asyncio import AsyncConnection

from broker import Context, Service, action
from broker.clock import Clock
from schema.jobs import (
    CLAIM_SLOT,
    END_LEASE,
    FORGET_ANSWERS,
    READ_SLOT,
    RENEW_LEASE,
    Claimed,
    ClaimSlot,
    Ended,
    EndLease,
    Forgotten,
    Held,
    OfLease,
    OfSlot,
    RenewLease,
    SlotState,
)
from whirlpool import leases
from whirlpool.idempotency import forget_old_answers
from whirlpool.transactions import Database


class JobStore(Service):
    name: ClassVar[str] = "db-jobs"
    private = (READ_SLOT, CLAIM_SLOT, RENEW_LEASE, END_LEASE, FORGET_ANSWERS)

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @action(READ_SLOT)
    async def slot(self, context: Context, request: OfSlot) -> SlotState:
        now = self._clock.epoch_milliseconds()
        return await self._database.read(lambda c: leases.read_slot(c, request, now), context.deadline)

    @action(CLAIM_SLOT)
    async def claim(self, context: Context, request: ClaimSlot) -> Claimed:
        return await self._database.write(
            lambda c: leases.claim(c, request, self._clock.epoch_milliseconds()),
            context.deadline,
            recognises_itself=True,
        )

    @action(RENEW_LEASE)
    async def renew(self, context: Context, request: RenewLease) -> Held:
        return await self._database.write(
            lambda c: leases.renew(c, request, self._clock.epoch_milliseconds()),
            context.deadline,
            recognises_itself=True,
        )

    @action(END_LEASE)
    async def end(self, context: Context, request: EndLease) -> Ended:
        return await self._database.write(lambda c: leases.end(c, request), context.deadline, recognises_itself=True)

    @action(FORGET_ANSWERS)
    async def forget_answers(self, context: Context, request: OfLease) -> Forgotten:
        async def step(connection: AsyncConnection) -> Forgotten:
            await leases.under_lease(connection, request)
            return Forgotten(answers=await forget_old_answers(connection, self._clock.epoch_milliseconds()))

        return await self._database.write(step, context.deadline, recognises_itself=True)
