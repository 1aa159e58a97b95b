"""Reads that fall back on old rows: where no database can tell what is true now, what was true is better than nothing.

The answer says which of the two it is, so that nobody keeps it and whoever asked is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from broker import Broker
from schema.action import Action
from schema.errors import MeshError, Unavailable
from schema.freshness import STALE_SECONDS, stale

Request = TypeVar("Request", bound=BaseModel)
Response = TypeVar("Response")


@dataclass(frozen=True, slots=True)
class Answer(Generic[Response]):
    found: Response
    old: bool
    old_seconds: float | None = None
    """At most, of an old one; None where nobody can tell."""


async def read(
    broker: Broker, action: Action[Request, Response], request: Request, *, deadline_seconds: float
) -> Answer[Response]:
    try:
        return Answer(await broker.call(action, request, deadline_seconds=deadline_seconds), old=False)
    except Unavailable as unavailable:
        try:
            said: dict[str, Any] = {}
            found = await broker.call(stale(action), request, meta=said, deadline_seconds=deadline_seconds)
        except MeshError:
            raise unavailable from None
        return Answer(found, old=True, old_seconds=said.get(STALE_SECONDS))
