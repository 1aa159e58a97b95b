"""A write that is repeated happens once, wherever its repeats arrive: its key, what was asked and what was answered are
recorded in the transaction that has the effect.

    async def book(self, context: Context, request: Booking) -> Booked | Encoded:
        async def unit(connection: AsyncConnection) -> Booked: ...

        return await self._writes.run(context, BOOK, request, unit)

The key is claimed first. So a repeat on the same member waits for the first one to end; one in another region fails its
certification; either is then run again, finds the recorded answer and gives that. The same settles what nobody knows
after a lost connection or region: run it again, here or elsewhere, with the same key.

A refusal is an answer, and is recorded as one. A refused run that is only rolled back leaves nothing behind with which
an earlier run of the same key, still on its way, could collide: its caller would be told no, and then it would happen.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import TypeVar

import orjson
from pydantic import BaseModel
from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from broker import Context, Encoded
from broker.cache.single_flight import SingleFlight
from broker.clock import Clock
from broker.dispatch import encoded
from broker.policies.deadline import Deadline
from broker.policies.idempotency import KEY_HEADER, digest_of
from schema.action import Action
from schema.errors import ERRORS, Conflict, Forbidden, Invalid, MeshError, NotFound, TimedOut, Unauthorized
from schema.tables import BLOB_BYTES_MAX, KEY_DIGEST_BYTES, recorded_answers
from whirlpool.driver_errors import CONTENDED, Contended
from whirlpool.isolation import insert_new
from whirlpool.transactions import Database, Unit

Request = TypeVar("Request", bound=BaseModel)
Response = TypeVar("Response")

REFUSALS = (Conflict, Forbidden, Invalid, NotFound, Unauthorized)
"""Final, unlike an error of the moment, after which the same key may be tried again."""
REFUSED = b"\0"
"""Begins a recorded refusal: no JSON does."""
KEEP_SECONDS = 86_400.0
"""A caller that repeats gives up within minutes; a person who comes back to it, within the day."""
FORGET_ROWS = 500
"""In one transaction: a small write-set, which holds nobody up."""

_ID = recorded_answers.c.id == bindparam("of_id")
_RECORD = update(recorded_answers).where(_ID).values(answer=bindparam("given"))
_RECORDED = select(recorded_answers.c.request, recorded_answers.c.answer).where(_ID)
_OLD = select(recorded_answers.c.id).where(recorded_answers.c.recorded_at < bindparam("before")).limit(FORGET_ROWS)


class KeyedWrites:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._flights = SingleFlight[bytes]()

    async def run(
        self, context: Context, action: Action[Request, Response], request: Request, unit: Unit[Response]
    ) -> Response | Encoded:
        """The unit's answer or refusal, now or when the key was first seen; without a key, simply now.

        Raises `Conflict` if the key was used for another request."""
        key = context.idempotency_key
        if key is None:
            return await self._database.write(unit, context.deadline)
        id_, digest = _id(action.name, key), bytes.fromhex(digest_of(request))

        async def with_key(connection: AsyncConnection) -> bytes:
            if not await self._claim(connection, id_, digest):
                return await _recorded(connection, id_, digest)
            return await _record(connection, id_, encoded(action, await unit(connection)))

        async def write() -> bytes:
            try:
                return await self._database.write(with_key, context.deadline, recognises_itself=True)
            except REFUSALS as refusal:
                return await self._refuse(id_, digest, refusal, context.deadline)

        return Encoded(_unless_refused(await self._together(f"{id_.hex()}{digest.hex()}", context.deadline, write)))

    async def _refuse(self, id_: bytes, digest: bytes, refusal: MeshError, deadline: Deadline) -> bytes:
        """What is recorded in the end: this, or what an earlier run left meanwhile."""

        async def with_key(connection: AsyncConnection) -> bytes:
            if not await self._claim(connection, id_, digest):
                return await _recorded(connection, id_, digest)
            return await _record(connection, id_, _encoded_refusal(refusal))

        return await self._database.write(with_key, deadline, recognises_itself=True)

    async def _together(self, name: str, deadline: Deadline, write: Callable[[], Awaitable[bytes]]) -> bytes:
        """Repeats that arrive here while the first one is at work wait for its answer, and take no connections."""
        began = False

        async def begin() -> bytes:
            nonlocal began
            began = True
            return await write()

        while True:
            try:
                return await self._flights.run(name, begin)
            except TimedOut:
                if began or deadline.passed:  # else it was the first one's deadline, not ours
                    raise

    async def _claim(self, connection: AsyncConnection, id_: bytes, digest: bytes) -> bool:
        row = {"id": id_, "request": digest, "recorded_at": self._clock.epoch_milliseconds()}
        return await insert_new(connection, recorded_answers, row)


async def forget_old_answers(connection: AsyncConnection, now: int, keep_seconds: float = KEEP_SECONDS) -> int:
    """Some of those that are older than `keep_seconds`; returns how many."""
    ids = list(await connection.scalars(_OLD, {"before": now - int(keep_seconds * 1000)}))
    if ids:
        await connection.execute(delete(recorded_answers).where(recorded_answers.c.id.in_(ids)))
    return len(ids)


async def _recorded(connection: AsyncConnection, id_: bytes, digest: bytes) -> bytes:
    row = (await connection.execute(_RECORDED, {"of_id": id_})).one_or_none()
    if row is None:  # whoever claimed it gave up, or it was forgotten just now
        raise Contended(CONTENDED)
    if bytes(row.request) != digest:
        raise Conflict(f"this {KEY_HEADER} was used for another request")
    return bytes(row.answer)


async def _record(connection: AsyncConnection, id_: bytes, answer: bytes) -> bytes:
    if len(answer) > BLOB_BYTES_MAX:
        raise ValueError(f"an answer of {len(answer)} bytes cannot be recorded")
    await connection.execute(_RECORD, {"of_id": id_, "given": answer})
    return answer


def _encoded_refusal(refusal: MeshError) -> bytes:
    told = {"code": refusal.code, "message": refusal.message, "data": refusal.data}
    return REFUSED + orjson.dumps(told, default=str)


def _unless_refused(answer: bytes) -> bytes:
    if not answer.startswith(REFUSED):
        return answer
    told = orjson.loads(answer[len(REFUSED) :])
    raise ERRORS[told["code"]](told["message"], told["data"])


def _id(action: str, key: str) -> bytes:
    return blake2b(f"{action}\0{key}".encode(), digest_size=KEY_DIGEST_BYTES).digest()
