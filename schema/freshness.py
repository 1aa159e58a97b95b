"""How fresh a read has to be: what callers say, and what answers say of themselves.

    await broker.call(READ, request, headers=READ_YOUR_WRITES)      # sees whatever was acknowledged before, anywhere
    await broker.call(READ, request)                                # may lag by the milliseconds of a replica
    await broker.call(stale(READ), request, meta=said)              # may be old: said["stale_seconds"] tells how old

A service that keeps data may offer its reads a second time, as `stale.<service>.<verb>`. It goes on answering these
when its database is cut off from the others, and all else is withdrawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel

from schema.action import Action

Request = TypeVar("Request", bound=BaseModel)
Response = TypeVar("Response")

FRESHNESS_HEADER = "freshness"
FRESH = "fresh"
READ_YOUR_WRITES: Mapping[str, str] = {FRESHNESS_HEADER: FRESH}
"""Headers of a call."""

STALE = "stale"
"""The version, as a mesh has versions of services, of the service that answers old data too."""
STALE_SECONDS = "stale_seconds"
"""In the meta of an answer: how old its data may be; None where nobody can tell."""


def stale(action: Action[Request, Response]) -> Action[Request, Response]:
    """The same read, where an old answer will do."""
    if not action.safe:
        raise ValueError(f"{action.name} is no read")
    return Action(f"{STALE}.{action.name}", action.request, action.response, safe=True)
