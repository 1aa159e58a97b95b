"""A document's way from the rows to the caller: read, composed, kept as compact JSON until an event drops it.

What is computed serves every caller who waits for it, so it runs under a deadline of its own and not under that of
the caller who happened to come first; each caller still waits no longer than its own.

Clients fetch a document when its timestamp has moved. So a new timestamp must never be seen with the old document
still kept: whichever of the two is read first with news drops the other, even if the event that should have done it
was lost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel

from broker import Broker
from broker.cache.caching import Cache, Computed
from messier import old_reads
from messier.fresh_reads import FreshReads, HasVersion
from messier.newest_versions import NewestVersions
from schema.action import Action, Message
from schema.courses import DOCUMENT_CHANGED, READ_VERSION, DocumentChanged, DocumentVersion, OfKey, Versioned
from schema.errors import NotFound

READ_DEADLINE_SECONDS = 5.0
"""A cold read of the largest document takes a twentieth of a second."""
TIMESTAMP_SECONDS = 1.0
"""A lost event is noticed after this time if anybody asks for the timestamp, and one row a second is little."""

Request = TypeVar("Request", bound=BaseModel)
Rows = TypeVar("Rows", bound=Message)
Answer = TypeVar("Answer", bound=HasVersion)


class DocumentReader:
    def __init__(self, broker: Broker, cache: Cache, versions: NewestVersions, reads: FreshReads) -> None:
        self._broker = broker
        self._cache = cache
        self._versions = versions
        self._reads = reads

    async def document(
        self, key: str, action: Action[Request, Versioned[Rows]], request: Request, compose: Callable[[Rows], Any]
    ) -> Computed:
        """Compact JSON."""

        async def compute() -> Computed:
            computed, news = await self._read(key, action, request, lambda answer: compose(answer.rows))
            if news is not None:
                self._cache.invalidate(_timestamp_of(key))
                await self._broker.broadcast(DOCUMENT_CHANGED, news)
            return computed

        return await self._cache.get_or_compute(key, compute)

    async def changed_at(self, key: str) -> Computed:
        """Epoch seconds, as JSON."""

        async def compute() -> Computed:
            computed, news = await self._read(key, READ_VERSION, OfKey(key=key), _seconds)
            if news is not None:
                self._cache.invalidate(key)
                await self._broker.broadcast(DOCUMENT_CHANGED, news)
            return computed

        return await self._cache.get_or_compute(_timestamp_of(key), compute, ttl_seconds=TIMESTAMP_SECONDS)

    def changed(self, key: str, version: int) -> None:
        """From now on nothing older than `version` is kept."""
        self._versions.observe(key, version)
        self._cache.invalidate(key)
        self._cache.invalidate(_timestamp_of(key))

    def forget_all(self) -> None:
        self._cache.clear()

    async def _read(
        self, key: str, action: Action[Request, Answer], request: Request, shape: Callable[[Answer], Any]
    ) -> tuple[Computed, DocumentChanged | None]:
        """The second says what nobody has told us yet."""
        old, old_seconds = False, None

        async def ask() -> Answer:
            nonlocal old, old_seconds
            answer = await old_reads.read(self._broker, action, request, deadline_seconds=READ_DEADLINE_SECONDS)
            old, old_seconds = answer.old, answer.old_seconds
            return answer.found

        try:
            reading = await self._reads.read(key, ask)
        except NotFound as error:
            raise NotFound(f"there is no document {key}", {"key": key}) from error
        news = DocumentChanged(key=key, version=reading.answer.version) if reading.news else None
        body = orjson.dumps(shape(reading.answer))
        return Computed(body, storable=not (reading.stale or old), old_seconds=old_seconds), news


def _timestamp_of(key: str) -> str:
    return f"timestamp/{key}"


def _seconds(version: DocumentVersion) -> int:
    return version.changed_at
