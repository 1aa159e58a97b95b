"""A document's way from the rows to the caller: read, composed, kept as compact JSON until an event drops it.

What is computed serves every caller who waits for it, so it runs under a deadline of its own and not under that of
the caller who happened to come first; each caller still waits no longer than its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel

from broker import Broker
from broker.caching import Cache, Computed
from messier.fresh_reads import FreshReads, HasVersion
from schema.action import Action, Message
from schema.courses import READ_VERSION, DocumentVersion, OfKey, Versioned
from schema.errors import NotFound

READ_DEADLINE_SECONDS = 5.0
"""A cold read of the largest document takes a twentieth of a second."""

Request = TypeVar("Request", bound=BaseModel)
Rows = TypeVar("Rows", bound=Message)
Answer = TypeVar("Answer", bound=HasVersion)


class DocumentReader:
    def __init__(self, broker: Broker, cache: Cache, reads: FreshReads) -> None:
        self._broker = broker
        self._cache = cache
        self._reads = reads

    async def document(
        self, key: str, action: Action[Request, Versioned[Rows]], request: Request, compose: Callable[[Rows], Any]
    ) -> Computed:
        """Compact JSON."""
        return await self._cached(key, key, action, request, lambda answer: compose(answer.rows))

    async def changed_at(self, key: str) -> Computed:
        """Epoch seconds, as JSON."""
        return await self._cached(_timestamp_of(key), key, READ_VERSION, OfKey(key=key), _seconds)

    def forget(self, key: str) -> None:
        self._cache.invalidate(key)
        self._cache.invalidate(_timestamp_of(key))

    def forget_all(self) -> None:
        self._cache.clear()

    async def _cached(
        self,
        cache_key: str,
        key: str,
        action: Action[Request, Answer],
        request: Request,
        shape: Callable[[Answer], Any],
    ) -> Computed:
        async def read() -> Answer:
            return await self._broker.call(action, request, deadline_seconds=READ_DEADLINE_SECONDS)

        async def compute() -> Computed:
            answer, fresh = await self._reads.read(key, read)
            return Computed(orjson.dumps(shape(answer)), storable=fresh)

        try:
            return await self._cache.get_or_compute(cache_key, compute)
        except NotFound as error:
            raise NotFound(f"there is no document {key}", {"key": key}) from error


def _timestamp_of(key: str) -> str:
    return f"timestamp/{key}"


def _seconds(version: DocumentVersion) -> int:
    return version.changed_at
