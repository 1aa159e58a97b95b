"""A rendered answer: its bytes, its coded variants, and the headers that go with each.

Everything that is the same for each request is made once here, so that answering from the cache is a look-up and a
write. Coded variants are made when first asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeAlias

from andromeda.conditional import digest, entity_tag
from andromeda.encoding import Coding, encode
from broker.single_flight import SingleFlight

Headers: TypeAlias = list[tuple[bytes, bytes]]

JSON = "application/json"
HTML = "text/html; charset=utf-8"

REVALIDATE = "public, max-age=0, stale-if-error=86400"
"""A client that learns from a timestamp that a document changed must not be handed its old copy by a cache between
us, so none may answer without asking; asking costs 304 and no body."""
NOT_STORED = "no-store"

INLINE_BYTES = 65_536
"""Smaller bodies are compressed on the spot, in less time than a thread takes to wake."""
PAGE_OVERHEAD_BYTES = 2_048
"""Objects and headers of a page and a variant, measured and rounded up."""


@dataclass(frozen=True, slots=True)
class Content:
    """What to render. `template` is the route, for the metrics."""

    body: bytes
    template: str
    status: int = 200
    media_type: str = JSON
    cache_control: str = REVALIDATE
    extra: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Variant:
    """`not_modified` are the headers of a 304 in place of this variant."""

    body: bytes
    tag: str
    headers: Headers
    not_modified: Headers


class Page:
    """`common` are the headers of every answer of this node."""

    def __init__(self, content: Content, common: Sequence[tuple[str, str]] = ()) -> None:
        self.status = content.status
        self.template = content.template
        self.body_bytes = len(content.body)
        self._content = content
        self._common = tuple(common)
        self._digest = digest(content.body)
        self._variants: dict[Coding, Variant] = {}
        self._compressions = SingleFlight[Variant]()
        self.grown: Callable[[], None] = lambda: None
        """Told when a variant was made: whoever holds the page under a bound hangs in here."""
        self._keep("identity", content.body)

    @property
    def size_bytes(self) -> int:
        return sum(len(variant.body) + PAGE_OVERHEAD_BYTES for variant in self._variants.values())

    def ready(self, coding: Coding) -> Variant | None:
        return self._variants.get(coding)

    async def variant(self, coding: Coding) -> Variant:
        return self._variants.get(coding) or await self._compressions.run(coding, lambda: self._make(coding))

    async def _make(self, coding: Coding) -> Variant:
        body = self._content.body
        if len(body) <= INLINE_BYTES:
            return self._keep(coding, encode(body, coding))
        return self._keep(coding, await asyncio.to_thread(encode, body, coding))

    def _keep(self, coding: Coding, body: bytes) -> Variant:
        variant = Variant(body, *self._heads(coding, len(body)))
        self._variants[coding] = variant
        self.grown()
        return variant

    def _heads(self, coding: Coding, length: int) -> tuple[str, Headers, Headers]:
        content = self._content
        keepable = content.status == HTTPStatus.OK and content.cache_control != NOT_STORED
        tag = entity_tag(self._digest, coding) if keepable else ""
        kept = [*self._common, *content.extra, ("cache-control", content.cache_control), ("vary", "accept-encoding")]
        if tag:
            kept.append(("etag", tag))
        if content.status == HTTPStatus.NO_CONTENT:
            return tag, raw(kept), raw(kept)
        described = [("content-type", content.media_type), ("content-length", str(length))]
        if coding != "identity":
            described.append(("content-encoding", coding))
        return tag, raw(described + kept), raw(kept)


def raw(headers: Sequence[tuple[str, str]]) -> Headers:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
