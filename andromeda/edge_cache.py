"""When the edge answers from memory, and when it asks the mesh.

Fresh pages are answered as they are. A page past that is answered once more while one request fetches its
successor. When the mesh cannot answer, an old page is better than none. A page that is known to be outdated is never
answered again, and a fetch that began before the news of a change is not kept.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from andromeda.page import Page
from andromeda.shelf import Lifetime, Shelf
from broker.cache.single_flight import SingleFlight
from schema.errors import Internal, MeshError

log = logging.getLogger(__name__)

Outcome: TypeAlias = Literal["hit", "stale", "miss", "error", "none"]
"""`stale` while a new page is fetched; `error` when none could be; `none` where no cache was asked."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """`lifetime` is None for what must not be kept."""

    page: Page
    lifetime: Lifetime | None


class Answer(NamedTuple):
    """`age_seconds` since the page was stored."""

    page: Page
    outcome: Outcome = "none"
    age_seconds: float = 0.0


Fetch: TypeAlias = Callable[[], Awaitable[Fetched]]


class EdgeCache:
    def __init__(
        self,
        capacity_bytes: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        on_eviction: Callable[[], None] = lambda: None,
    ) -> None:
        self.shelf = Shelf(capacity_bytes, on_eviction)
        self._clock = clock
        self._flights = SingleFlight[Page]()
        self._current: dict[str, object] = {}
        self._refreshing: dict[str, asyncio.Task[None]] = {}

    def fresh(self, key: str) -> Page | None:
        entry = self.shelf.get(key)
        return entry.page if entry is not None and entry.fresh(self._clock()) else None

    async def answer(self, key: str, fetch: Fetch) -> Answer:
        now = self._clock()
        entry = self.shelf.get(key)
        if entry is not None and entry.fresh(now):
            return Answer(entry.page, "hit", now - entry.stored_at)
        if entry is not None and entry.good_while_revalidating(now):
            self._refresh_behind(key, fetch)
            return Answer(entry.page, "stale", now - entry.stored_at)
        try:
            return Answer(await self._fetch(key, fetch), "miss")
        except MeshError as error:
            return self._instead_of(error, key)

    def invalidate(self, key: str) -> None:
        """The page is known to be outdated; whoever asks from now on gets a newer one."""
        self._current.pop(key, None)
        self._flights.forget(key)
        self.shelf.remove(key)

    def clear(self) -> None:
        self._current.clear()
        self._flights.forget_all()
        self.shelf.clear()

    def doubt_everything(self) -> None:
        """Changes may have been missed: every page is asked for again, and kept only against errors."""
        self._current.clear()
        self._flights.forget_all()
        for entry in self.shelf.entries():
            entry.doubted = True

    async def close(self) -> None:
        refreshing = list(self._refreshing.values())
        for task in refreshing:
            task.cancel()
        await asyncio.gather(*refreshing, return_exceptions=True)

    def _instead_of(self, error: MeshError, key: str) -> Answer:
        now = self._clock()
        entry = self.shelf.get(key)
        failed_us = error.retryable or isinstance(error, Internal)
        if entry is None or not failed_us or not entry.good_if_error(now):
            raise error
        return Answer(entry.page, "error", now - entry.stored_at)

    def _refresh_behind(self, key: str, fetch: Fetch) -> None:
        if key not in self._refreshing:
            task = asyncio.create_task(self._refresh(key, fetch), name=f"refresh {key}")
            self._refreshing[key] = task
            task.add_done_callback(lambda _: self._refreshing.pop(key, None))

    async def _refresh(self, key: str, fetch: Fetch) -> None:
        try:
            await self._fetch(key, fetch)
        except MeshError as error:
            log.warning("could not refresh %s: %s", key, error)
        except Exception:
            log.exception("could not refresh %s", key)

    async def _fetch(self, key: str, fetch: Fetch) -> Page:
        return await self._flights.run(key, lambda: self._fetch_and_keep(key, fetch))

    async def _fetch_and_keep(self, key: str, fetch: Fetch) -> Page:
        """The mark in `_current` is gone, or another's, if a change became known meanwhile."""
        mark = self._current[key] = object()
        try:
            fetched = await fetch()
            if self._current.get(key) is mark:
                self._keep(key, fetched)
            return fetched.page
        finally:
            if self._current.get(key) is mark:
                del self._current[key]

    def _keep(self, key: str, fetched: Fetched) -> None:
        """What must not be kept does not push out what was: that is still there against errors."""
        if fetched.lifetime is not None:
            self.shelf.put(key, fetched.page, fetched.lifetime, self._clock())
