"""A unit of work runs in one transaction, whole or not at all, within its caller's deadline.

A read sees one snapshot. A write that another transaction got in the way of, a certification conflict of Galera
among them, is run again from its first statement: what it read may have changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import TypeAlias, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from broker.clock import Clock, SystemClock, sleep
from broker.deadline import Deadline
from schema.errors import TimedOut
from whirlpool.driver_errors import Contended, translated
from whirlpool.engine import WRITES

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

    async def read(self, unit: Unit[Result], deadline: Deadline) -> Result:
        async with self._connection(deadline, writes=False) as connection:
            return await unit(connection)

    async def write(self, unit: Unit[Result], deadline: Deadline) -> Result:
        """The unit may run several times; only its last run has an effect."""
        for attempt in range(1, self.attempts):
            try:
                return await self._write_once(unit, deadline)
            except Contended:
                await self._pause(attempt, deadline)
        return await self._write_once(unit, deadline)

    async def start(self) -> None:
        """Connections are opened when they are needed first."""

    async def drain(self) -> None:
        """Requests that are being served need their connections."""

    async def stop(self) -> None:
        await self.engine.dispose()

    async def _write_once(self, unit: Unit[Result], deadline: Deadline) -> Result:
        async with self._connection(deadline, writes=True) as connection, connection.begin():
            return await unit(connection)

    @asynccontextmanager
    async def _connection(self, deadline: Deadline, *, writes: bool) -> AsyncIterator[AsyncConnection]:
        if deadline.passed:
            raise TimedOut("the deadline passed before the database was asked")
        with translated():
            async with asyncio.timeout(deadline.remaining_seconds()), self.engine.connect() as connection:
                yield await connection.execution_options(**{WRITES: writes})

    async def _pause(self, attempt: int, deadline: Deadline) -> None:
        """Of a random length, so that two writers that collided do not meet again."""
        seconds = PAUSE_SECONDS * 2 ** (attempt - 1) * self.random.uniform(0.5, 1.5)
        await sleep(self.clock, min(seconds, deadline.remaining_seconds()))
