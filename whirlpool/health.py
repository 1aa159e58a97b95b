"""Whether this node's database can answer truthfully now, asked once a second, and what follows from it.

A member of a Galera cluster that lost its quorum, or is being filled from another, still answers `SELECT 1`: it has
to be asked what it is. Until it is well again the node withdraws its services, so that others are called.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import TypeAlias

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from broker.clock import Clock
from broker.deadline import Deadline
from broker.periodic import every
from broker.refusals import NotSent
from schema.errors import MeshError
from schema.tables import documents
from whirlpool.transactions import Database

logger = logging.getLogger(__name__)

INTERVAL_SECONDS = 1.0
TIMEOUT_SECONDS = 2.0
"""A database that takes longer to say how it is, is not well."""

UNKNOWN = "the database has not been asked yet"
ASKED = (
    "read_only",
    "wsrep_on",
    "wsrep_ready",
    "wsrep_cluster_status",
    "wsrep_local_state_comment",
)
_NAMES = ", ".join(f"'{name}'" for name in ASKED)
# SHOW, because a member that is not ready refuses to SELECT even its own variables.
_SHOW = [text(f"SHOW GLOBAL {kind} WHERE Variable_name IN ({_NAMES})") for kind in ("VARIABLES", "STATUS")]
_ANY_DOCUMENT = select(documents.c.key).limit(1)

Tell: TypeAlias = Callable[[bool], Awaitable[None]]


def complaint(values: Mapping[str, str]) -> str | None:
    """What is wrong with a member of MySQL's family that says this of itself. Without Galera there is no cluster."""
    if values.get("wsrep_on", "OFF").upper() == "ON":
        if values.get("wsrep_cluster_status", "").lower() != "primary":
            return f"the database's part of the cluster has no quorum ({values.get('wsrep_cluster_status', 'unknown')})"
        if values.get("wsrep_local_state_comment", "").lower() != "synced":
            return (
                f"the database is not in step with its cluster ({values.get('wsrep_local_state_comment', 'unknown')})"
            )
        if values.get("wsrep_ready", "OFF").upper() != "ON":
            return "the database does not accept queries yet"
    if values.get("read_only", "OFF").upper() in {"ON", "1"}:
        return "the database is read-only"
    return None


async def examine(connection: AsyncConnection) -> str | None:
    """What is wrong, or None; raises what the database raises."""
    if connection.dialect.name != "sqlite":
        values: dict[str, str] = {}
        for statement in _SHOW:
            values.update((str(name).lower(), str(value)) for name, value in await connection.execute(statement))
        if (wrong := complaint(values)) is not None:
            return wrong
    await connection.execute(_ANY_DOCUMENT)
    return None


class DatabaseHealth:
    def __init__(self, database: Database, clock: Clock, random: Random, tell: Tell) -> None:
        """`tell` is awaited with whether the database is well, when that is first known and when it changes."""
        self._database = database
        self._clock = clock
        self._random = random
        self._tell = tell
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
            self._reason = await self._database.read(examine, Deadline.after(TIMEOUT_SECONDS, self._clock))
        except MeshError as error:
            self._reason = error.message
        await self._tell_change(self._reason is None)

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
