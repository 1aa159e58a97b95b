"""Work that is done on a schedule, in one region at a time: who may do it is a lease, and a lease has a token.

A slot is a number that grows with time, as hours since the epoch do. It is done once: a slot that was begun and not
finished, because its region is gone, is begun again under a greater token, and what the lost region may still send
under the smaller one is refused.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from schema.action import Action, Message

JOB_LENGTH = 64
HOLDER_LENGTH = 160
LEASE_SECONDS_MAX = 3_600.0

JobName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=JOB_LENGTH)]
LeaseSeconds = Annotated[float, Field(gt=0, le=LEASE_SECONDS_MAX)]


class OfSlot(Message):
    job: JobName
    slot: Annotated[int, Field(ge=0)]


class SlotState(Message):
    """`free`: nobody holds a lease, or the lease has run out."""

    done: bool
    free: bool


class ClaimSlot(OfSlot):
    """`holder` names one attempt of one node, and no other: a repeat of the claim finds itself by it."""

    holder: Annotated[str, Field(min_length=1, max_length=HOLDER_LENGTH)]
    lease_seconds: LeaseSeconds


class Claimed(Message):
    """No token: another has the lease, or the slot is done."""

    token: int | None


class OfLease(Message):
    """What is done under a lease carries it, and is refused with `conflict` once another has it."""

    job: JobName
    token: Annotated[int, Field(ge=1)]


class RenewLease(OfLease):
    lease_seconds: LeaseSeconds


class EndLease(OfLease):
    """`done`: the slot is not begun again. Otherwise another may begin it at once."""

    done: bool


class Held(Message):
    """Milliseconds since the epoch, by the clock of the node that answered."""

    until: int


class Ended(Message):
    done: bool


class Forgotten(Message):
    answers: int


READ_SLOT = Action("db-jobs.slot", OfSlot, SlotState, safe=True)
# Each of these recognises its own repeats by holder or token, so a repeat changes nothing.
CLAIM_SLOT = Action("db-jobs.claim", ClaimSlot, Claimed, safe=False, keyed=True)
RENEW_LEASE = Action("db-jobs.renew", RenewLease, Held, safe=False, keyed=True)
END_LEASE = Action("db-jobs.end", EndLease, Ended, safe=False, keyed=True)

FORGET_ANSWERS = Action("db-jobs.forget-answers", OfLease, Forgotten, safe=False, keyed=True)
"""Some of the answers to idempotency keys that are too old to be asked for: again and again until there are none."""
