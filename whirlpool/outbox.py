"""`db-outbox`: work that is written in the transaction that causes it, and stays until somebody has done it.

    async def unit(connection: AsyncConnection) -> Booked:
        ...
        await self._outbox.put(connection, "mail", Confirmation(booking=7))

A queue in memory, or one that syncs its disk now and then, forgets; a row that was committed with its cause does not.
Work is taken for a time. What its taker does not finish by then is due again, under a greater token.
"""

from __future__ import annotations

from random import Random
from typing import Any, ClassVar

import orjson
from pydantic import BaseModel
from sqlalchemy import RowMapping, bindparam, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from broker import Context, Service, action
from broker.clock import Clock
from schema.errors import Conflict
from schema.outbox import (
    FINISH_WORK,
    LIST_UNFINISHED,
    POSTPONE_WORK,
    RELEASE_WORK,
    TAKE_WORK,
    ListUnfinished,
    OfWork,
    PostponeWork,
    Released,
    ReleaseWork,
    Taken,
    TakeWork,
    Unfinished,
    UnfinishedWork,
    Work,
    WorkEnded,
)
from schema.tables import BLOB_BYTES_MAX, WORK_ID_BYTES, outbox
from whirlpool.transactions import Database

ATTEMPTS_MAX = 20
"""With pauses that double up to an hour, more than half a day: what fails then is no passing trouble."""

_ID = outbox.c.id == bindparam("of_id")
_PUT = insert(outbox)
_DUE = (
    select(outbox.c.id, outbox.c.token, outbox.c.attempts, outbox.c.payload)
    .where(outbox.c.topic == bindparam("of_topic"), outbox.c.due_at <= bindparam("now"))
    .order_by(outbox.c.due_at)
    .limit(bindparam("at_most"))
)
_TAKE = (
    update(outbox)
    .where(_ID, outbox.c.token == bindparam("seen"))
    .values(token=outbox.c.token + 1, attempts=outbox.c.attempts + 1, due_at=bindparam("until"))
)
_SEEN = select(outbox.c.token, outbox.c.attempts).where(_ID)
_POSTPONE = update(outbox).where(_ID, outbox.c.token == bindparam("seen")).values(due_at=bindparam("until"))
_PARKED = outbox.c.due_at.is_(None)
_UNFINISHED = (
    select(outbox.c.id, outbox.c.topic, outbox.c.attempts, outbox.c.due_at)
    .where(or_(_PARKED, outbox.c.attempts > 1))
    .order_by(outbox.c.attempts.desc())
)
_RELEASE = update(outbox).where(_ID, _PARKED).values(due_at=bindparam("now"), attempts=0)
_FINISH = delete(outbox).where(_ID, outbox.c.token == bindparam("seen"))


class Outbox:
    def __init__(self, clock: Clock, random: Random) -> None:
        self._clock = clock
        self._random = random

    async def put(
        self, connection: AsyncConnection, topic: str, payload: BaseModel, *, after_seconds: float = 0.0
    ) -> str:
        """Returns the work's id, by which whoever does it twice can tell."""
        body = payload.model_dump_json().encode()
        if len(body) > BLOB_BYTES_MAX:
            raise ValueError(f"work of {len(body)} bytes does not fit the outbox")
        id_ = self._random.randbytes(WORK_ID_BYTES)
        due_at = _later(self._clock, after_seconds)
        row = {"id": id_, "topic": topic, "payload": body, "due_at": due_at, "token": 0, "attempts": 0}
        await connection.execute(_PUT, row)
        return id_.hex()


class OutboxStore(Service):
    name: ClassVar[str] = "db-outbox"
    private = (TAKE_WORK, FINISH_WORK, POSTPONE_WORK, LIST_UNFINISHED, RELEASE_WORK)

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @action(TAKE_WORK)
    async def take(self, context: Context, request: TakeWork) -> Taken:
        async def unit(connection: AsyncConnection) -> Taken:
            due = {"of_topic": request.topic, "now": self._clock.epoch_milliseconds(), "at_most": request.at_most}
            rows = (await connection.execute(_DUE, due)).mappings().all()
            until = _later(self._clock, request.hold_seconds)
            return Taken(work=[_work(row) for row in rows if await _took(connection, row, until)])

        return await self._database.write(unit, context.deadline)

    @action(FINISH_WORK)
    async def finish(self, context: Context, request: OfWork) -> WorkEnded:
        async def unit(connection: AsyncConnection) -> WorkEnded:
            if not (await connection.execute(_FINISH, _of(request))).rowcount:
                await _still_held(connection, request)
            return WorkEnded()

        return await self._database.write(unit, context.deadline, recognises_itself=True)

    @action(POSTPONE_WORK)
    async def postpone(self, context: Context, request: PostponeWork) -> WorkEnded:
        async def unit(connection: AsyncConnection) -> WorkEnded:
            parked = await _still_held(connection, request) >= ATTEMPTS_MAX
            until = None if parked else _later(self._clock, request.seconds)
            await connection.execute(_POSTPONE, _of(request) | {"until": until})
            return WorkEnded(parked=parked)

        return await self._database.write(unit, context.deadline, recognises_itself=True)

    @action(LIST_UNFINISHED)
    async def unfinished(self, context: Context, request: ListUnfinished) -> UnfinishedWork:
        asked = _UNFINISHED.limit(request.at_most)
        if request.topic is not None:
            asked = asked.where(outbox.c.topic == request.topic)
        now = self._clock.epoch_milliseconds()
        rows = await self._database.read(lambda connection: connection.execute(asked), context.deadline)
        return UnfinishedWork(work=[_unfinished(row, now) for row in rows.mappings()])

    @action(RELEASE_WORK)
    async def release(self, context: Context, request: ReleaseWork) -> Released:
        async def unit(connection: AsyncConnection) -> Released:
            of = {"of_id": bytes.fromhex(request.id), "now": self._clock.epoch_milliseconds()}
            return Released(released=(await connection.execute(_RELEASE, of)).rowcount > 0)

        return await self._database.write(unit, context.deadline)


async def _took(connection: AsyncConnection, row: RowMapping, until: int) -> bool:
    taken = await connection.execute(_TAKE, {"of_id": row["id"], "seen": row["token"], "until": until})
    return taken.rowcount > 0


async def _still_held(connection: AsyncConnection, request: OfWork) -> int:
    """The number of attempts; 0 where it is done. Raises `Conflict` if another took it."""
    row = (await connection.execute(_SEEN, {"of_id": bytes.fromhex(request.id)})).one_or_none()
    if row is not None and row.token != request.token:
        raise Conflict(f"work {request.id} was taken by another when its time was over")
    return 0 if row is None else int(row.attempts)


def _work(row: RowMapping) -> Work:
    id_, payload = bytes(row["id"]).hex(), orjson.loads(row["payload"])
    return Work(id=id_, token=row["token"] + 1, attempts=row["attempts"] + 1, payload=payload)


def _unfinished(row: RowMapping, now: int) -> Unfinished:
    due_at = row["due_at"]
    return Unfinished(
        id=bytes(row["id"]).hex(),
        topic=row["topic"],
        attempts=row["attempts"],
        parked=due_at is None,
        due_in_seconds=None if due_at is None else (due_at - now) / 1000,
    )


def _of(request: OfWork) -> dict[str, Any]:
    return {"of_id": bytes.fromhex(request.id), "seen": request.token}


def _later(clock: Clock, seconds: float) -> int:
    return clock.epoch_milliseconds() + int(seconds * 1000)
