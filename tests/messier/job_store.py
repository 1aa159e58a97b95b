"""A `db-jobs` in memory, with the promises of the one in SQL: one suite checks both (tests/whirlpool/test_jobs.py)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from broker import Context, Service, action
from broker.clock import Clock
from schema.errors import Conflict, MeshError, TimedOut
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


@dataclass
class Row:
    slot: int = -1
    done_slot: int = -1
    token: int = 0
    holder: str = ""
    leased_until: int = 0
    claimed_at: int = 0


class MemoryJobs(Service):
    name: ClassVar[str] = "db-jobs"

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.rows: dict[str, Row] = {}
        self.failing: MeshError | None = None
        self.claims_unanswered = 0
        """So many are granted as they should be, but the answer gets lost."""
        self.forgettable: list[int] = []
        """What each step of forgetting answers."""

    @action(READ_SLOT)
    async def slot(self, context: Context, request: OfSlot) -> SlotState:
        row = self._row(request.job)
        return SlotState(done=row.done_slot >= request.slot, free=row.leased_until <= self._now())

    @action(CLAIM_SLOT)
    async def claim(self, context: Context, request: ClaimSlot) -> Claimed:
        row = self._row(request.job)
        if row.done_slot < request.slot and row.leased_until <= self._now():
            row.token += 1
            row.claimed_at = self._now()
            row.slot, row.holder = request.slot, request.holder
            row.leased_until = self._now() + int(request.lease_seconds * 1000)
        mine = (row.holder, row.slot) == (request.holder, request.slot) and row.leased_until > self._now()
        if self.claims_unanswered:
            self.claims_unanswered -= 1
            raise TimedOut("the deadline passed first")
        return Claimed(token=row.token if mine else None)

    @action(RENEW_LEASE)
    async def renew(self, context: Context, request: RenewLease) -> Held:
        row = self._held(request)
        row.leased_until = self._now() + int(request.lease_seconds * 1000)
        return Held(until=row.leased_until)

    @action(END_LEASE)
    async def end(self, context: Context, request: EndLease) -> Ended:
        row = self._row(request.job)
        if row.token != request.token:
            raise Conflict("another's")
        row.leased_until, row.holder = 0, ""
        if request.done:
            row.done_slot = row.slot
        return Ended(done=request.done)

    @action(FORGET_ANSWERS)
    async def forget_answers(self, context: Context, request: OfLease) -> Forgotten:
        self._held(request)
        return Forgotten(answers=self.forgettable.pop(0) if self.forgettable else 0)

    def _row(self, job: str) -> Row:
        if self.failing is not None:
            raise self.failing
        return self.rows.setdefault(job, Row())

    def _held(self, lease: OfLease) -> Row:
        row = self._row(lease.job)
        if row.token != lease.token or not row.leased_until:
            raise Conflict("another's, or ended")
        return row

    def _now(self) -> int:
        return self._clock.epoch_milliseconds()
