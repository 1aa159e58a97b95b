"""Caching of an action's answers, declared where the action is:

    @action(TERM, cache=Caching(ttl_seconds=60, key=("code",), stale_seconds=300, forget_on=(Forget(CHANGED),)))

One computation at a time for each key; after `ttl_seconds` an answer may still be given for `stale_seconds`, while a
new one is computed behind it; an event makes it forgotten, and an answer that was being computed at that moment is not
kept. The events must be broadcast: `emit` tells one node of a service only. What a handler puts into its meta is not
cached.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, TypeAlias, get_origin

from pydantic import BaseModel

from broker.cache.caching import CacheMetrics
from broker.cache.single_flight import SingleFlight
from broker.cache.stores import Store, StoreFailed
from broker.clock import Clock
from schema.action import Action, Event
from schema.errors import MeshError
from schema.stream import Stream

KEY_LENGTH_MAX = 200
"""Longer keys are replaced by their digests."""
STAMP_BYTES = 8
"""Before each kept answer: until when it is fresh, in epoch milliseconds, since several nodes may share a store."""
REFRESHES_MAX = 64
"""Answers computed behind stale ones at a time."""

logger = logging.getLogger(__name__)

Compute: TypeAlias = Callable[[], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Forget:
    """On this event. `of` says which request's answer is to be forgotten; None: all of the action's."""

    event: Event[Any]
    of: Callable[[Any], BaseModel] | None = None


@dataclass(frozen=True, slots=True)
class Caching:
    ttl_seconds: float
    key: tuple[str, ...] | Callable[[Any], str] | None = None
    """Fields of the request that the answer depends on, or a function of it; None: the whole request."""
    stale_seconds: float = 0.0
    forget_on: tuple[Forget, ...] = ()

    def check(self, contract: Action[Any, Any]) -> None:
        """Raises `TypeError` if it does not fit the contract."""
        if not contract.safe:
            raise TypeError(f"{contract.name} is not safe: its answers cannot be cached")
        if get_origin(contract.response) is Stream:
            raise TypeError(f"{contract.name} answers with a stream, which cannot be cached")
        unknown = set(self.key if isinstance(self.key, tuple) else ()) - contract.request.model_fields.keys()
        if unknown:
            raise TypeError(f"{contract.name} is asked without {', '.join(sorted(unknown))}")


class ActionCache:
    """Of one action."""

    def __init__(
        self,
        action: str,
        caching: Caching,
        *,
        store: Store,
        metrics: CacheMetrics,
        clock: Clock,
        spawn: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._action = action
        self._caching = caching
        self._fresh_milliseconds = int(caching.ttl_seconds * 1000)
        self._store = store
        self._clock = clock
        self._spawn = spawn
        self._flights = SingleFlight[bytes]()
        self._current: dict[str, object] = {}
        self._refreshing: set[str] = set()
        self._trusted_after_milliseconds = 0
        """Answers kept before were perhaps not forgotten when they should have been."""
        self._hits = metrics.hits.labels(action)
        self._stale = metrics.stale.labels(action)
        self._misses = metrics.misses.labels(action)
        self._computations = metrics.computations.labels(action)
        self._failures = metrics.failures.labels(action)

    async def answer(self, request: BaseModel, compute: Compute) -> bytes:
        """`compute` may outlive the caller who began it: others may have joined."""
        key = self.key(request)
        kept = await self._kept(key)
        if kept is None:
            self._misses.inc()
            return await self._flights.run(key, lambda: self._compute(key, compute))
        if _fresh_until_milliseconds(kept) > self._clock.epoch_milliseconds():
            self._hits.inc()
        else:
            self._stale.inc()
            self._refresh(key, compute)
        return kept[STAMP_BYTES:]

    def key(self, request: BaseModel) -> str:
        text = self._text(request)
        if len(text) > KEY_LENGTH_MAX:
            text = blake2b(text.encode(), digest_size=32).hexdigest()
        return f"{self._action} {text}"

    def _text(self, request: BaseModel) -> str:
        key = self._caching.key
        if callable(key):
            return key(request)
        return request.model_dump_json(include=None if key is None else set(key))

    async def forget(self, request: BaseModel) -> None:
        key = self.key(request)
        self._current.pop(key, None)
        self._flights.forget(key)
        try:
            await self._store.drop(key)
        except StoreFailed:
            self._distrust()

    async def forget_all(self) -> None:
        self._current.clear()
        self._flights.forget_all()
        try:
            await self._store.drop_all(f"{self._action} ")
        except StoreFailed:
            self._distrust()

    def _distrust(self) -> None:
        self._failures.inc()
        self._trusted_after_milliseconds = self._clock.epoch_milliseconds()

    def _refresh(self, key: str, compute: Compute) -> None:
        if key not in self._refreshing and len(self._refreshing) < REFRESHES_MAX:
            self._refreshing.add(key)
            self._spawn(self._refreshed(key, compute))

    async def _refreshed(self, key: str, compute: Compute) -> None:
        """If it fails, the stale answer stays good for its time."""
        try:
            await self._flights.run(key, lambda: self._compute(key, compute))
        except MeshError as error:
            logger.warning("no new answer of %s behind the old one: %s", self._action, error.message)
        finally:
            self._refreshing.discard(key)

    async def _compute(self, key: str, compute: Compute) -> bytes:
        """The mark in `_current` is gone, or another's, if the key was forgotten meanwhile."""
        mark = self._current[key] = object()
        self._computations.inc()
        try:
            answer = await compute()
            if self._current.get(key) is mark:
                await self._keep(key, answer)
        finally:
            if self._current.get(key) is mark:
                del self._current[key]
        return answer

    async def _kept(self, key: str) -> bytes | None:
        """A store that fails makes calls slower, not wrong."""
        try:
            kept = await self._store.get(key)
        except StoreFailed:
            self._failures.inc()
            return None
        if (
            kept is None
            or _fresh_until_milliseconds(kept) - self._fresh_milliseconds <= self._trusted_after_milliseconds
        ):
            return None
        return kept

    async def _keep(self, key: str, answer: bytes) -> None:
        stamp = (self._clock.epoch_milliseconds() + self._fresh_milliseconds).to_bytes(STAMP_BYTES)
        try:
            await self._store.set(key, stamp + answer, self._caching.ttl_seconds + self._caching.stale_seconds)
        except StoreFailed:
            self._failures.inc()


def _fresh_until_milliseconds(kept: bytes) -> int:
    return int.from_bytes(kept[:STAMP_BYTES])
