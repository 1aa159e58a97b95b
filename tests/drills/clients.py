"""A client: it asks, and asks again with the same key, until it knows what came of its write or loses patience."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Generic, TypeVar

from pydantic import BaseModel

from schema.action import Action
from schema.errors import Conflict, Forbidden, Invalid, MeshError, NotFound, Unauthorized
from tests.drills.doors import Door
from tests.drills.history import Outcome, Span
from tests.drills.journal import Journal

Request = TypeVar("Request", bound=BaseModel)
Response = TypeVar("Response")

REFUSALS = (Conflict, Forbidden, Invalid, NotFound, Unauthorized)
"""Whoever answers with one of these has done nothing, and says so for good. All else leaves it open."""
PATIENCE_SECONDS = 120.0
"""Longer than a cluster takes to come back after all of its members were killed."""
PAUSE_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Sample:
    """One request, as its client saw it. `failed` is the error's code, None of an answer; a refusal is an answer."""

    write: bool
    span: Span
    failed: str | None = None


@dataclass(frozen=True, slots=True)
class Told(Generic[Response]):
    """`answer` is there if the outcome is acknowledged."""

    outcome: Outcome
    span: Span
    answer: Response | None = None


@dataclass
class Client:
    name: str
    door: Door
    random: Random
    journal: Journal
    samples: list[Sample] = field(default_factory=list)
    _numbers: Iterable[int] = field(default_factory=count)

    async def write(self, action: Action[Request, Response], request: Request) -> Told[Response]:
        key, begun = f"{self.name}-{next(iter(self._numbers))}", time.monotonic()
        told = await self._until_known(action, request, key, begun)
        entry = {"key": key, "outcome": told.outcome, "action": action.name, "request": request.model_dump()}
        await self.journal.record(entry)
        return told

    async def read(self, action: Action[Request, Response], request: Request, *, fresh: bool = False) -> Told[Response]:
        begun = time.monotonic()
        try:
            answer = await self.door.ask(action, request, fresh=fresh)
        except MeshError as error:
            return Told(Outcome.UNKNOWN, self._note(begun, write=False, failed=error.code))
        return Told(Outcome.ACKNOWLEDGED, self._note(begun, write=False), answer)

    async def _until_known(
        self, action: Action[Request, Response], request: Request, key: str, begun: float
    ) -> Told[Response]:
        while True:
            asked = time.monotonic()
            try:
                answer = await self.door.ask(action, request, key=key)
            except REFUSALS:
                return Told(Outcome.REFUSED, Span(begun, self._note(asked, write=True).ended))
            except MeshError as error:
                ended = self._note(asked, write=True, failed=error.code).ended
                if ended - begun > PATIENCE_SECONDS:
                    return Told(Outcome.UNKNOWN, Span(begun, ended))
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                return Told(Outcome.ACKNOWLEDGED, Span(begun, self._note(asked, write=True).ended), answer)

    def _note(self, begun: float, *, write: bool, failed: str | None = None) -> Span:
        span = Span(begun, time.monotonic())
        self.samples.append(Sample(write, span, failed))
        return span
