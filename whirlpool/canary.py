"""A sign of life, written about once a second by every whirlpool: it shows that this node's database takes writes, and
its newest time, replicated like all else, tells how old the data of a member may be that is cut off.

A member that cannot write for a moment is not ill: the cluster holds commits up for some seconds when a region is lost.
"""

from __future__ import annotations

import logging
from random import Random

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from broker.clock import Clock
from broker.periodic import Rhythm
from broker.policies.deadline import Deadline
from schema.errors import MeshError
from schema.tables import canaries
from whirlpool.isolation import insert_new
from whirlpool.transactions import Database

logger = logging.getLogger(__name__)

INTERVAL_SECONDS = 1.0
WRITE_SECONDS = 5.0
SILENCE_SECONDS_MAX = 15.0
"""Longer than a cluster holds commits up when it loses a region, which is ten seconds at most."""
FORGET_MILLISECONDS = 24 * 3_600 * 1_000
"""Nodes that come and go under new names leave a row each; a day is more than any clocks differ."""

_SING = update(canaries).where(canaries.c.node == bindparam("of_node")).values(written_at=bindparam("now"))
_FORGET = delete(canaries).where(canaries.c.written_at < bindparam("before"))
_NEWEST = select(func.max(canaries.c.written_at))


async def age_seconds(connection: AsyncConnection, clock: Clock) -> float | None:
    """How old, at most, the data is that this transaction sees; None where no canary ever wrote."""
    newest = await connection.scalar(_NEWEST)
    return None if newest is None else max(0.0, (clock.epoch_milliseconds() - int(newest)) / 1000)


class Canary:
    def __init__(self, database: Database, clock: Clock, random: Random, node: str) -> None:
        self._database = database
        self._clock = clock
        self._node = node
        self._sang_at_seconds = clock.now()
        self._rhythm = Rhythm(clock, INTERVAL_SECONDS, random, self.sing)

    def complaint(self) -> str | None:
        silent_seconds = self._clock.now() - self._sang_at_seconds
        if silent_seconds <= SILENCE_SECONDS_MAX:
            return None
        return f"the database has taken no write for {silent_seconds:.0f} s"

    async def start(self) -> None:
        await self._rhythm.start()

    async def drain(self) -> None:
        """It tells how old the data is until the end."""

    async def stop(self) -> None:
        await self._rhythm.stop()

    async def sing(self) -> None:
        try:
            await self._database.write(self._write, Deadline.after(WRITE_SECONDS, self._clock))
        except MeshError as error:
            logger.debug("no sign of life: %s", error)
        else:
            self._sang_at_seconds = self._clock.now()

    async def _write(self, connection: AsyncConnection) -> None:
        now = self._clock.epoch_milliseconds()
        sung = await connection.execute(_SING, {"of_node": self._node, "now": now})
        if not sung.rowcount:
            await connection.execute(_FORGET, {"before": now - FORGET_MILLISECONDS})
            await insert_new(connection, canaries, {"node": self._node, "written_at": now})
