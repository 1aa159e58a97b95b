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
from andromeda.encoding import Coding, decode, encode
from broker.cache.single_flight import SingleFlight

Headers: TypeAlias = list[tuple[bytes, bytes]]

JSON = "application/json"
HTML = "text/html; charset=utf-8"

REVALIDATE = "public, max-age=0, stale-if-error=86400"
"""A client that learns from a timestamp that a document changed must not be handed its old copy by a cache between
us, so none may answer without asking; asking costs 304 and no body."""
NOT_STORED = "no-store"

INLINE_BYTES = 65_536
"""Smaller bodies are compressed on the spot, in less time than a thread takes to wake."""
FOLDED: Coding = "zstd"
FOLDABLE_BYTES = 4_096
"""Of smaller pages the overhead is what counts."""
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
    """`common` are the headers of every answer of this node.

    A large page can be folded: it keeps only its smallest variant, and makes the others from that when asked again.
    """

    def __init__(self, content: Content, common: Sequence[tuple[str, str]] = ()) -> None:
        self.status = content.status
        self.template = content.template
        self.body_bytes = len(content.body)
        self._headings = Headings(content, common)
        self._variants: dict[Coding, Variant] = {}
        self._makings = SingleFlight[Variant]()
        self.grown: Callable[[], None] = lambda: None
        """Told when a variant was made: whoever holds the page under a bound hangs in here."""
        self._keep("identity", content.body)

    @property
    def size_bytes(self) -> int:
        return sum(len(variant.body) + PAGE_OVERHEAD_BYTES for variant in self._variants.values())

    @property
    def foldable(self) -> bool:
        return self.body_bytes >= FOLDABLE_BYTES and self._variants.keys() != {FOLDED}

    def fold(self) -> None:
        """Takes a millisecond for 370 kB."""
        folded = self._variants.get(FOLDED) or self._variant_of(FOLDED, encode(self._plain(), FOLDED))
        self._variants = {FOLDED: folded}

    def ready(self, coding: Coding) -> Variant | None:
        return self._variants.get(coding)

    async def variant(self, coding: Coding) -> Variant:
        return self._variants.get(coding) or await self._makings.run(coding, lambda: self._make(coding))

    async def _make(self, coding: Coding) -> Variant:
        if self.body_bytes <= INLINE_BYTES:
            return self._keep(coding, encode(self._plain(), coding))
        return self._keep(coding, await asyncio.to_thread(lambda: encode(self._plain(), coding)))

    def _plain(self) -> bytes:
        plain = self._variants.get("identity")
        return decode(self._variants[FOLDED].body, FOLDED) if plain is None else plain.body

    def _keep(self, coding: Coding, body: bytes) -> Variant:
        variant = self._variants[coding] = self._variant_of(coding, body)
        self.grown()
        return variant

    def _variant_of(self, coding: Coding, body: bytes) -> Variant:
        return Variant(body, *self._headings.of(coding, len(body)))


class Headings:
    """The headers of a page's variants; they do not hold its body."""

    def __init__(self, content: Content, common: Sequence[tuple[str, str]]) -> None:
        keepable = content.status == HTTPStatus.OK and content.cache_control != NOT_STORED
        self._digest = digest(content.body) if keepable else ""
        self._media_type = "" if content.status == HTTPStatus.NO_CONTENT else content.media_type
        self._always = (
            *common,
            *content.extra,
            ("cache-control", content.cache_control),
            ("vary", "accept-encoding"),
        )

    def of(self, coding: Coding, length: int) -> tuple[str, Headers, Headers]:
        """Its entity tag, or an empty text; the headers with the body; those of a 304."""
        tag = entity_tag(self._digest, coding) if self._digest else ""
        kept = [*self._always, ("etag", tag)] if tag else [*self._always]
        described = []
        if self._media_type:
            described = [("content-type", self._media_type), ("content-length", str(length))]
        if coding != "identity":
            described.append(("content-encoding", coding))
        return tag, raw(described + kept), raw(kept)


def raw(headers: Sequence[tuple[str, str]]) -> Headers:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
