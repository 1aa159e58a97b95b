"""Whether this region can serve a user now: asked as a user would ask, once a second, down to the rows.

Whoever answers may be in any region; what counts is that the gateway gets an answer that is true now. A mesh that is
full and says so is at work, and so is one that answers users while the question takes too long: overload alone does
not make a region leave, since its users would only overload the next one.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from andromeda.courses import Mesh
from andromeda.health import Health
from broker.clock import Clock
from broker.periodic import Rhythm
from schema.courses import TIMESTAMP
from schema.errors import Internal, MeshError, TimedOut, Unavailable

QUESTION = (TIMESTAMP.name, {"key": "terms"})
"""A row of the data tier, that the logic tier keeps for a second."""
ASK_SECONDS = 1.0
DEADLINE_SECONDS = 2.0
EXCUSED_SECONDS = 3.0
"""After an answer to a user, for a question that took too long."""
FAILURES_TO_LEAVE = 2
FAILURES = (Unavailable, TimedOut, Internal)
OLD = "answers may be outdated: no database that can be reached has a majority"


class Readiness:
    """The mesh as the gateway's routes see it, and whether it answers."""

    def __init__(self, mesh: Mesh, clock: Clock, random: Random) -> None:
        self._mesh = mesh
        self._clock = clock
        self._random = random
        self._health = Health(failures_to_leave=FAILURES_TO_LEAVE, successes_to_return=1)
        self._problem: str | None = "nobody was asked yet"
        self._answered_at = -EXCUSED_SECONDS

    def asking(self) -> Rhythm:
        return Rhythm(self._clock, ASK_SECONDS, self._random, self.ask)

    def why_not(self) -> str | None:
        return None if self._health.ready else self._problem

    async def call(
        self,
        action: str,
        request: Mapping[str, Any],
        *,
        deadline_seconds: float,
        meta: dict[str, Any],
        request_id: str,
        headers: Mapping[str, str],
    ) -> Any:
        """For users."""
        answer = await self._mesh.call(
            action, request, deadline_seconds=deadline_seconds, meta=meta, request_id=request_id, headers=headers
        )
        self._answered_at = self._clock.now()
        return answer

    async def ask(self) -> None:
        self._problem = await self._found()
        self._health.observe(self._problem is None)

    async def _found(self) -> str | None:
        action, request = QUESTION
        meta: dict[str, Any] = {}
        try:
            await self._mesh.call(
                action, request, deadline_seconds=DEADLINE_SECONDS, meta=meta, request_id="readiness", headers={}
            )
        except FAILURES as error:
            excused = isinstance(error, TimedOut) and self._clock.now() - self._answered_at < EXCUSED_SECONDS
            return None if excused else f"{error.code}: {error.message}"
        except MeshError:
            return None  # somebody answered: too many ask, or there is no such row
        return OLD if meta.get("stale") else None
