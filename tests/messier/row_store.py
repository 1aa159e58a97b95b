"""A `db-courses` in memory: the real contract, with the failures that tests ask for."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Any

from broker import Broker, Context, Service, action
from messier.replacements import Replacement, replacement_of
from schema.action import Nothing
from schema.courses import (
    READ_COURSES,
    READ_GE,
    READ_TERM,
    READ_TERMS,
    READ_VERSION,
    READ_VERSIONS,
    REPLACE_COURSES,
    REPLACE_GE,
    REPLACE_LOCATIONS,
    REPLACE_OFFERED,
    REPLACE_RMP,
    REPLACE_SUBJECTS,
    REPLACE_TERM,
    REPLACE_TERMS,
    ROWS_CHANGED,
    SEARCH_ROWS,
    CoursesRows,
    DocumentChanged,
    DocumentVersion,
    DocumentVersions,
    Found,
    FoundRow,
    LabelsRows,
    LocationsRows,
    OfferedRows,
    OfKey,
    OfTerm,
    Replace,
    ReplaceOfQuarter,
    ReplaceOfTerm,
    Saved,
    SearchRows,
    TermRows,
    TermsRows,
    Versioned,
)
from schema.errors import MeshError, NotFound
from schema.freshness import STALE_SECONDS

CHANGED_AT = 1_500_000_000
"""The first version's epoch second; each later one is a second later."""


@dataclass(frozen=True)
class Stored:
    version: int
    digest: str
    rows: Any


class RowStore(Service):
    name = "db-courses"

    def __init__(self) -> None:
        self.stored: dict[str, Stored] = {}
        self.reads: Counter[str] = Counter()
        self.replaced: list[str] = []
        self.searches: list[SearchRows] = []
        self.old_seconds: float | None = None
        """What its stale twin says of terms."""
        self.failures: list[MeshError] = []
        """Raised one a replacement, first come first served."""
        self.open = asyncio.Event()
        """Reads wait while it is not set."""
        self.open.set()

    async def started(self, broker: Broker) -> None:
        self._broker = broker

    def put(self, key: str, document: Any) -> int:
        """As another region's whirlpool does it: nobody here is told. The new version."""
        return self._keep(replacement_of(key, document))

    async def change(self, key: str, document: Any) -> None:
        await self.tell(key, self.put(key, document))

    async def tell(self, key: str, version: int) -> None:
        await self._broker.broadcast(ROWS_CHANGED, DocumentChanged(key=key, version=version))

    @action(READ_TERMS)
    async def terms(self, context: Context, request: Nothing) -> Versioned[TermsRows]:
        return await self._read("terms")

    @action(READ_TERM)
    async def term(self, context: Context, request: OfTerm) -> Versioned[TermRows]:
        context.meta[STALE_SECONDS] = self.old_seconds
        return await self._read(f"terms/{request.code}")

    @action(READ_COURSES)
    async def courses(self, context: Context, request: OfTerm) -> Versioned[CoursesRows]:
        return await self._read(f"courses/{request.code}")

    @action(READ_GE)
    async def ge(self, context: Context, request: Nothing) -> Versioned[LabelsRows]:
        return await self._read("ge")

    @action(READ_VERSION)
    async def version_of(self, context: Context, request: OfKey) -> DocumentVersion:
        self.reads[f"version of {request.key}"] += 1
        return self._version(request.key)

    @action(READ_VERSIONS)
    async def versions(self, context: Context, request: Nothing) -> DocumentVersions:
        return DocumentVersions(documents=[self._version(key) for key in self.stored])

    @action(SEARCH_ROWS)
    async def search(self, context: Context, request: SearchRows) -> Found:
        self.searches.append(request)
        return Found(classes=[a_found_class(title=" ".join(request.words))])

    @action(REPLACE_TERMS)
    async def replace_terms(self, context: Context, request: Replace[TermsRows]) -> Saved:
        return self._replace("terms", request)

    @action(REPLACE_TERM)
    async def replace_term(self, context: Context, request: ReplaceOfTerm[TermRows]) -> Saved:
        return self._replace(f"terms/{request.term}", request)

    @action(REPLACE_COURSES)
    async def replace_courses(self, context: Context, request: ReplaceOfTerm[CoursesRows]) -> Saved:
        return self._replace(f"courses/{request.term}", request)

    @action(REPLACE_OFFERED)
    async def replace_offered(self, context: Context, request: ReplaceOfQuarter[OfferedRows]) -> Saved:
        return self._replace(f"offered/{request.quarter}", request)

    @action(REPLACE_GE)
    async def replace_ge(self, context: Context, request: Replace[LabelsRows]) -> Saved:
        return self._replace("ge", request)

    @action(REPLACE_RMP)
    async def replace_rmp(self, context: Context, request: Replace[LabelsRows]) -> Saved:
        return self._replace("rmp", request)

    @action(REPLACE_SUBJECTS)
    async def replace_subjects(self, context: Context, request: Replace[LabelsRows]) -> Saved:
        return self._replace("subjects", request)

    @action(REPLACE_LOCATIONS)
    async def replace_locations(self, context: Context, request: Replace[LocationsRows]) -> Saved:
        return self._replace("locations", request)

    async def _read(self, key: str) -> Versioned[Any]:
        """The snapshot is taken when the read begins; the answer may take its time."""
        self.reads[key] += 1
        version, rows = self._version(key), self.stored[key].rows
        await self.open.wait()
        return Versioned(version=version.version, changed_at=version.changed_at, rows=rows)

    def _version(self, key: str) -> DocumentVersion:
        if key not in self.stored:
            raise NotFound("no such row")
        stored = self.stored[key]
        return DocumentVersion(
            key=key, version=stored.version, changed_at=CHANGED_AT + stored.version - 1, digest=stored.digest
        )

    def _replace(self, key: str, request: Replace[Any]) -> Saved:
        if self.failures:
            raise self.failures.pop(0)
        known = self.stored.get(key)
        if known and known.digest == request.digest:
            return Saved(key=key, version=known.version, changed=False)
        self.replaced.append(key)
        self.stored[key] = Stored(known.version + 1 if known else 1, request.digest, request.rows)
        return Saved(key=key, version=self.stored[key].version, changed=True)

    def _keep(self, replacement: Replacement) -> int:
        return self._replace(replacement.key, replacement.request).version  # type: ignore[arg-type]


def a_found_class(title: str) -> FoundRow:
    return FoundRow(
        term="2168",
        subject="DUST",
        course="11",
        section="01",
        title=title,
        number=20_001,
        instructors=["Vega,A."],
        general_education=[],
        score=5,
    )
