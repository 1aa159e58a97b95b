"""Whether this node's database can answer truthfully now, asked once a second, and what follows from it.

A member of a Galera cluster that lost its quorum, or is being filled from another, still answers `SELECT 1`: it has
to be asked what it is. Until it is well again the node withdraws its services, so that others are called.

There is ill, and there is burdened: a member that lags or takes no writes had better not be asked while others can be.
If there are none, because the whole cluster is held up, slow answers are better than none.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from random import Random
from typing import NamedTuple, TypeAlias

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from broker.clock import Clock
from broker.periodic import every
from broker.policies.deadline import Deadline
from broker.refusals import NotSent
from schema.errors import MeshError
from schema.tables import documents
from whirlpool import galera
from whirlpool.canary import Canary
from whirlpool.freshness import Freshness
from whirlpool.transactions import Database

logger = logging.getLogger(__name__)

INTERVAL_SECONDS = 1.0
TIMEOUT_SECONDS = 2.0
"""A database that takes longer to say how it is, is not well."""

UNKNOWN = "the database has not been asked yet"
_ANY_DOCUMENT = select(documents.c.key).limit(1)

Tell: TypeAlias = Callable[[bool], Awaitable[None]]


class Finding(NamedTuple):
    ill: str | None = None
    burdened: str | None = None


async def examine(connection: AsyncConnection) -> Finding:
    """Raises what the database raises."""
    burdened = None
    if connection.dialect.name != "sqlite":
        values = await galera.ask(connection)
        if (ill := galera.complaint(values)) is not None:
            return Finding(ill=ill)
        burdened = galera.burden(values)
    await connection.execute(_ANY_DOCUMENT)
    return Finding(burdened=burdened)


class DatabaseHealth:
    def __init__(
        self,
        database: Database,
        clock: Clock,
        random: Random,
        tell: Tell,
        *,
        canary: Canary | None = None,
        others: Callable[[], bool] = lambda: False,
    ) -> None:
        """`tell` is awaited with whether the database is well, when that is first known and when it changes; `others`
        says whether other nodes serve the same."""
        self._database = database
        self._clock = clock
        self._random = random
        self._tell = tell
        self._canary = canary
        self._others = others
        self._reason: str | None = UNKNOWN
        self._told: bool | None = None
        self._watching: asyncio.Task[None] | None = None

    def reason(self) -> str | None:
        """Why the database cannot answer now; None if it can."""
        return self._reason

    async def start(self) -> None:
        await self.check()
        self._watching = asyncio.ensure_future(every(self._clock, INTERVAL_SECONDS, self._random, self.check))

    async def drain(self) -> None:
        await self._end_watch()

    async def stop(self) -> None:
        await self._end_watch()

    async def check(self) -> None:
        try:
            deadline = Deadline.after(TIMEOUT_SECONDS, self._clock)
            # A member that lost its cluster refuses even to end a transaction, unless old reads will do.
            found = await self._database.read(examine, deadline, Freshness.STALE)
        except MeshError as error:
            found = Finding(ill=error.message)
        self._reason = found.ill or self._too_much(found.burdened)
        await self._tell_change(self._reason is None)

    def _too_much(self, burdened: str | None) -> str | None:
        if burdened is None and self._canary is not None:
            burdened = self._canary.complaint()
        return burdened if burdened is not None and self._others() else None

    async def _tell_change(self, well: bool) -> None:
        if well == self._told:
            return
        logger.log(logging.INFO if well else logging.ERROR, "database: %s", self._reason or "well")
        self._told = well
        with contextlib.suppress(NotSent):  # the mesh hears of it when it is back
            await self._tell(well)

    async def _end_watch(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
