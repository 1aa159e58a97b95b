"""How fresh a read of ours is: what a connection is told before it reads, and how old an answer says it is.

The setting is the connection's, so it is sent only where it differs from the last one: most reads are as the one
before them, and pay nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from schema.errors import Invalid
from schema.freshness import FRESH, FRESHNESS_HEADER
from whirlpool.galera import freshness_settings


class Freshness(Enum):
    STALE = "stale"
    """Whatever is there, even where the cluster is lost."""
    USUAL = "usual"
    """A snapshot of a member that is in step, which may be some milliseconds behind."""
    FRESH = "fresh"
    """Whatever any member acknowledged before the read is seen: about one round trip to the farthest member."""


_SETTINGS = {
    Freshness.STALE: freshness_settings(wait=False, dirty=True),
    Freshness.USUAL: freshness_settings(wait=False, dirty=False),
    Freshness.FRESH: freshness_settings(wait=True, dirty=False),
}
_SET = "localgroup_freshness"


def asked_for(headers: Mapping[str, Any]) -> Freshness:
    wanted = headers.get(FRESHNESS_HEADER)
    if wanted is None:
        return Freshness.USUAL
    if wanted != FRESH:
        raise Invalid(f"{FRESHNESS_HEADER} is {FRESH!r} or left out")
    return Freshness.FRESH


async def set_freshness(connection: AsyncConnection, freshness: Freshness) -> None:
    """SQLite has one copy, which is always fresh."""
    if connection.dialect.name == "sqlite":
        return
    told = connection.sync_connection.info if connection.sync_connection is not None else {}
    if told.get(_SET, Freshness.STALE) is not freshness:
        await connection.exec_driver_sql(_SETTINGS[freshness])
        told[_SET] = freshness
