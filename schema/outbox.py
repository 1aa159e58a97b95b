"""Work that must not be forgotten: written with what causes it, in one transaction, and kept until somebody did it.

Whoever takes it has it for a time and under a token. It is done at least once; who does it twice can tell by `id`.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from schema.action import Action, Message

TOPIC_LENGTH = 64
TAKEN_MAX = 20
"""At a time: with payloads of 64 KiB they fit into one message of the mesh."""
HOLD_SECONDS_MAX = 3_600.0
LISTED_MAX = 200
"""More is nothing that a person reads."""

Topic = Annotated[str, Field(pattern=r"^[a-z][a-z0-9.-]*$", max_length=TOPIC_LENGTH)]
Id = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Token = Annotated[int, Field(ge=1)]


class TakeWork(Message):
    topic: Topic
    at_most: Annotated[int, Field(ge=1, le=TAKEN_MAX)]
    hold_seconds: Annotated[float, Field(gt=0, le=HOLD_SECONDS_MAX)]


class Work(Message):
    """`attempts` counts this one."""

    id: Id
    token: Token
    attempts: int
    payload: dict[str, Any]


class Taken(Message):
    work: list[Work]


class OfWork(Message):
    id: Id
    token: Token


class PostponeWork(OfWork):
    seconds: Annotated[float, Field(ge=0, le=86_400 * 30)]


class WorkEnded(Message):
    """`parked`: it was attempted too often, and waits for a person."""

    parked: bool = False


class Unfinished(Message):
    """Work that was tried and not finished, without its payload, which may be private."""

    id: Id
    topic: str
    attempts: int
    parked: bool
    due_in_seconds: float | None
    """Negative where it is overdue; None of what is parked."""


class ListUnfinished(Message):
    """Without a topic: of all."""

    topic: Topic | None = None
    at_most: Annotated[int, Field(ge=1, le=LISTED_MAX)] = LISTED_MAX


class UnfinishedWork(Message):
    work: list[Unfinished]


class ReleaseWork(Message):
    id: Id


class Released(Message):
    """False of work that is not parked: it is due by itself, or done."""

    released: bool


TAKE_WORK = Action("db-outbox.take", TakeWork, Taken, safe=False)
"""Not keyed: work whose taker never heard of it is due again when its time is over."""
FINISH_WORK = Action("db-outbox.finish", OfWork, WorkEnded, safe=False, keyed=True)
POSTPONE_WORK = Action("db-outbox.postpone", PostponeWork, WorkEnded, safe=False, keyed=True)
LIST_UNFINISHED = Action("db-outbox.unfinished", ListUnfinished, UnfinishedWork, safe=True)
"""What was tried at least twice, or is parked; the most often tried first."""
RELEASE_WORK = Action("db-outbox.release", ReleaseWork, Released, safe=False)
"""Parked work is due again, as if it were new. Not keyed: a person looks, and asks again."""
