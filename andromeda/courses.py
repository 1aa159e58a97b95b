"""Routes of the course catalogue: a key becomes a call, the reply becomes a page, the page is kept at the edge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
from starlette.requests import Request

from andromeda import head as heads
from andromeda.catalogue import Lookup, key_of, outdated_by, resolve
from andromeda.config import CacheConfig, UpstreamConfig
from andromeda.edge_cache import Answer, EdgeCache, Fetched
from andromeda.head import Head
from andromeda.page import Content
from andromeda.query import search_request
from andromeda.responder import STALE_SOURCE, Responder
from andromeda.shelf import Lifetime
from andromeda.turns import Turns
from schema.courses import SEARCH
from schema.errors import NotFound
from schema.freshness import STALE_SECONDS

SEARCH_PATH = "/slugsurvival/data/search"
NO_SUCH_KEY = "no such key"


class Mesh(Protocol):
    """As much of the broker as a route needs."""

    async def call(
        self,
        action: str,
        request: Mapping[str, Any],
        *,
        deadline_seconds: float,
        meta: dict[str, Any],
        request_id: str,
        headers: Mapping[str, str],
    ) -> Any: ...


@dataclass(frozen=True, slots=True)
class Labelled:
    """A reply, and whether the mesh says that it may be outdated, and by how much."""

    value: Any
    stale: bool
    stale_seconds: float | None = None


class Courses:
    def __init__(
        self,
        mesh: Mesh,
        responder: Responder,
        documents: EdgeCache,
        searches: EdgeCache,
        *,
        cache: CacheConfig,
        upstream: UpstreamConfig,
    ) -> None:
        self._mesh = mesh
        self._responder = responder
        self.documents = documents
        self.searches = searches
        self._deadline_seconds = upstream.deadline_seconds
        self._document_turns = Turns(upstream.documents_at_once, upstream.waiting)
        self._small_turns = Turns(upstream.small_at_once, upstream.waiting)
        self._changed_at: dict[str, Any] = {}
        self._document_lifetime = Lifetime(
            cache.fresh_seconds, cache.stale_while_revalidate_seconds, cache.stale_if_error_seconds
        )
        self._timestamp_lifetime = Lifetime(
            cache.timestamp_fresh_seconds, stale_if_error_seconds=cache.stale_if_error_seconds
        )
        self._absent_lifetime = Lifetime(cache.absent_fresh_seconds)

    async def fetch(self, request: Request) -> Answer:
        lookup = resolve(key_of(request.scope["path"]))
        if lookup is None:
            raise NotFound(NO_SUCH_KEY)
        head = heads.of(request.scope)
        return await self.documents.answer(lookup.key, lambda: self._fetch(lookup, head))

    async def search(self, request: Request) -> Answer:
        wanted = search_request(request.scope["query_string"]).model_dump()
        head = heads.of(request.scope)
        key = orjson.dumps(wanted).decode()
        return await self.searches.answer(key, lambda: self._search(wanted, head))

    def outdate(self, key: str) -> None:
        """The document of this key changed."""
        self._outdate(outdated_by(key))

    def doubt_everything(self) -> None:
        self.documents.doubt_everything()
        self.searches.doubt_everything()

    async def close(self) -> None:
        await self.documents.close()
        await self.searches.close()

    async def _fetch(self, lookup: Lookup, head: Head) -> Fetched:
        try:
            if lookup.timestamp_of is None:
                return await self._fetch_document(lookup, head)
            return await self._fetch_timestamp(lookup, lookup.timestamp_of, head)
        except NotFound as absent:
            return Fetched(self._responder.error(absent, lookup.resource.template), self._absent_lifetime)

    async def _fetch_document(self, lookup: Lookup, head: Head) -> Fetched:
        async with self._document_turns:
            reply = await self._call(lookup.resource.action.name, lookup.request, head)
            return self._render(reply, lookup.resource.template, self._document_lifetime)

    async def _fetch_timestamp(self, lookup: Lookup, of: str, head: Head) -> Fetched:
        async with self._small_turns:
            reply = await self._call(lookup.resource.action.name, lookup.request, head)
            self._notice(of, reply.value)
            return self._render(reply, lookup.resource.template, self._timestamp_lifetime)

    async def _search(self, wanted: Mapping[str, Any], head: Head) -> Fetched:
        async with self._small_turns:
            reply = await self._call(SEARCH.name, wanted, head)
            return self._render(reply, SEARCH_PATH, self._document_lifetime)

    async def _call(self, action: str, request: Mapping[str, Any], head: Head) -> Labelled:
        meta: dict[str, Any] = {}
        value = await self._mesh.call(
            action,
            request,
            deadline_seconds=self._deadline_seconds,
            meta=meta,
            request_id=head.request_id,
            headers=head.trace,
        )
        return Labelled(value, bool(meta.get("stale")), meta.get(STALE_SECONDS))

    def _render(self, reply: Labelled, template: str, lifetime: Lifetime) -> Fetched:
        """A reply that the mesh labels as stale is passed on with a warning, and not kept."""
        extra = (STALE_SOURCE,) if reply.stale else ()
        if reply.stale_seconds is not None:
            extra = (*extra, ("age", str(int(reply.stale_seconds))))
        page = self._responder.page(Content(orjson.dumps(reply.value), template, extra=extra))
        return Fetched(page, None if reply.stale else lifetime)

    def _notice(self, key: str, changed_at: object) -> None:
        """A timestamp that moved is as good as the news of the change: whoever reads it asks for the document next,
        and must not get the old one. Only documents that exist have one, so there are few."""
        if self._changed_at.get(key) != changed_at:
            self._changed_at[key] = changed_at
            self._outdate(outdated_by(key) - {f"timestamp/{key}"})

    def _outdate(self, keys: set[str]) -> None:
        for key in keys:
            self.documents.invalidate(key)
        self.searches.clear()
