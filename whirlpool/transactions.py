"""A unit of work runs in one transaction, whole or not at all, within its caller's deadline.

A read sees one snapshot. A write that another transaction got in the way of, a certification conflict of Galera
among them, is run again from its first statement: what it read may have changed.

Where the connection breaks during COMMIT, nobody knows whether the write happened. A unit that recognises itself when
it is run again (`idempotency`) is then run again; of any other its caller is told that it is not known.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import TypeAlias, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from broker.clock import Clock, SystemClock, sleep
from broker.policies.deadline import Deadline
from schema.errors import MeshError, TimedOut
from whirlpool.config import TRANSACTION_SECONDS
from whirlpool.driver_errors import Contended, InDoubt, in_doubt, translated
from whirlpool.engine import WRITES
from whirlpool.freshness import Freshness, set_freshness

Result = TypeVar("Result")
Unit: TypeAlias = Callable[[AsyncConnection], Awaitable[Result]]

ATTEMPTS = 8
"""Each round of a collision has one winner at least. Nine writers of one document in three regions took four."""
PAUSE_SECONDS = 0.02
"""Before the second attempt, doubled for each further one: about a commit's time between near regions."""


@dataclass(frozen=True, slots=True)
class Database:
    engine: AsyncEngine
    clock: Clock = field(default_factory=SystemClock)
    random: Random = field(default_factory=Random)
    attempts: int = ATTEMPTS
    transaction_seconds: float = TRANSACTION_SECONDS

    async def read(self, unit: Unit[Result], deadline: Deadline, freshness: Freshness = Freshness.USUAL) -> Result:
        async with self._connection(deadline, freshness, writes=False) as connection:
            return await unit(connection)

    async def write(self, unit: Unit[Result], deadline: Deadline, *, recognises_itself: bool = False) -> Result:
        """The unit may run several times; only its last run has an effect. `recognises_itself`: also when an earlier
        run was committed and nobody heard of it."""
        for attempt in range(1, self.attempts):
            try:
                return await self._write_once(unit, deadline)
            except Contended:
                await self._pause(attempt, deadline)
            except InDoubt:
                if not recognises_itself:
                    raise
                await self._pause(attempt, deadline)
        return await self._write_once(unit, deadline)

    async def start(self) -> None:
        """Connections are opened when they are needed first."""

    async def drain(self) -> None:
        """Requests that are being served need their connections."""

    async def stop(self) -> None:
        await self.engine.dispose()

    async def _write_once(self, unit: Unit[Result], deadline: Deadline) -> Result:
        """What is not committed is rolled back when the connection is given back."""
        async with self._connection(deadline, Freshness.USUAL, writes=True) as connection:
            result = await unit(connection)
            with in_doubt():
                await connection.commit()
            return result

    @asynccontextmanager
    async def _connection(
        self, deadline: Deadline, freshness: Freshness, *, writes: bool
    ) -> AsyncIterator[AsyncConnection]:
        if deadline.passed:
            raise TimedOut("the deadline passed before the database was asked")
        with not_swallowing_an_end(), translated():
            async with self._time(deadline), self.engine.connect() as plain:
                connection = await plain.execution_options(**{WRITES: writes})
                await set_freshness(connection, freshness)
                yield connection

    @asynccontextmanager
    async def _time(self, deadline: Deadline) -> AsyncIterator[None]:
        """A long transaction holds up others, in every region, so no deadline allows one."""
        seconds = min(deadline.remaining_seconds(), self.transaction_seconds)
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError as error:
            if seconds < self.transaction_seconds:
                raise
            raise TimedOut(f"a transaction may take {seconds:g} s at most: make several smaller ones of it") from error

    async def _pause(self, attempt: int, deadline: Deadline) -> None:
        """Of a random length, so that two writers that collided do not meet again."""
        seconds = PAUSE_SECONDS * 2 ** (attempt - 1) * self.random.uniform(0.5, 1.5)
        await sleep(self.clock, min(seconds, deadline.remaining_seconds()))


@contextmanager
def not_swallowing_an_end() -> Iterator[None]:
    """A driver whose task is cancelled in the middle of a packet may say that the connection broke; whoever takes
    that for an answer goes on, and a node that waits for its tasks never stops."""
    try:
        yield
    except MeshError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError from error
        raise
