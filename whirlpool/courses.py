"""`db-courses`: the catalogue's rows, read in one snapshot and replaced a whole document at a time.

A reply of thousands of rows leaves as JSON that is written once, here; the tables have checked the rows already.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, TypeAlias, TypeVar

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from broker import Context, Encoded, Service, action
from broker.clock import Clock
from schema import tables
from schema.action import Action, Message, Nothing
from schema.courses import (
    READ_COURSES,
    READ_GE,
    READ_LOCATIONS,
    READ_OFFERED,
    READ_RMP,
    READ_SUBJECTS,
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
    LabelsRows,
    LocationsRows,
    OfferedRows,
    OfKey,
    OfQuarter,
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
from schema.errors import MeshError
from whirlpool import course_reads as reads
from whirlpool import course_writes as writes
from whirlpool import documents
from whirlpool.course_search import search
from whirlpool.idempotency import KeyedWrites
from whirlpool.reads import Reads

logger = logging.getLogger(__name__)

SUBJECTS = "subjects"

AnyRows = TypeVar("AnyRows", bound=Message)
Reply: TypeAlias = Versioned[AnyRows] | Encoded
Read: TypeAlias = Callable[[AsyncConnection], Awaitable[reads.RowsByName]]
Write: TypeAlias = Callable[[AsyncConnection], Awaitable[None]]


class CourseStore(Service):
    name: ClassVar[str] = "db-courses"

    def __init__(self, reads: Reads, writes: KeyedWrites, clock: Clock) -> None:
        self._reads = reads
        self._writes = writes
        self._clock = clock

    @action(READ_TERMS)
    async def terms(self, context: Context, request: Nothing) -> Reply[TermsRows]:
        return await self._read(context, "terms", reads.read_terms)

    @action(READ_TERM)
    async def term(self, context: Context, request: OfTerm) -> Reply[TermRows]:
        return await self._read(context, f"terms/{request.code}", lambda c: reads.read_term(c, request.code))

    @action(READ_COURSES)
    async def courses(self, context: Context, request: OfTerm) -> Reply[CoursesRows]:
        return await self._read(context, f"courses/{request.code}", lambda c: reads.read_courses(c, request.code))

    @action(READ_OFFERED)
    async def offered(self, context: Context, request: OfQuarter) -> Reply[OfferedRows]:
        quarter = request.quarter
        return await self._read(context, f"offered/{quarter}", lambda c: reads.read_offered(c, quarter))

    @action(READ_GE)
    async def ge(self, context: Context, request: Nothing) -> Reply[LabelsRows]:
        return await self._read(context, "ge", lambda c: reads.read_labels(c, tables.general_education))

    @action(READ_RMP)
    async def rmp(self, context: Context, request: Nothing) -> Reply[LabelsRows]:
        return await self._read(context, "rmp", lambda c: reads.read_labels(c, tables.ratings))

    @action(READ_SUBJECTS)
    async def subjects(self, context: Context, request: Nothing) -> Reply[LabelsRows]:
        return await self._read(context, SUBJECTS, reads.read_subjects)

    @action(READ_LOCATIONS)
    async def locations(self, context: Context, request: Nothing) -> Reply[LocationsRows]:
        return await self._read(context, "locations", reads.read_locations)

    @action(READ_VERSIONS)
    async def versions(self, context: Context, request: Nothing) -> DocumentVersions:
        return DocumentVersions(documents=await self._reads.run(context, documents.read_versions))

    @action(READ_VERSION)
    async def version_of(self, context: Context, request: OfKey) -> DocumentVersion:
        return await self._reads.run(context, lambda c: documents.read_version(c, request.key))

    @action(SEARCH_ROWS)
    async def search(self, context: Context, request: SearchRows) -> Found:
        return Found(classes=await self._reads.run(context, lambda c: search(c, request)))

    @action(REPLACE_TERMS)
    async def replace_terms(self, context: Context, request: Replace[TermsRows]) -> Saved | Encoded:
        return await self._replace(
            context, REPLACE_TERMS, "terms", request, lambda c: writes.replace_terms(c, request.rows)
        )

    @action(REPLACE_TERM)
    async def replace_term(self, context: Context, request: ReplaceOfTerm[TermRows]) -> Saved | Encoded:
        codes = {row["subject"] for row in request.rows.subjects}
        return await self._replace(
            context,
            REPLACE_TERM,
            f"terms/{request.term}",
            request,
            lambda c: writes.replace_term(c, request.term, request.rows),
            subjects=codes,
        )

    @action(REPLACE_COURSES)
    async def replace_courses(self, context: Context, request: ReplaceOfTerm[CoursesRows]) -> Saved | Encoded:
        return await self._replace(
            context,
            REPLACE_COURSES,
            f"courses/{request.term}",
            request,
            lambda c: writes.replace_courses(c, request.term, request.rows),
        )

    @action(REPLACE_OFFERED)
    async def replace_offered(self, context: Context, request: ReplaceOfQuarter[OfferedRows]) -> Saved | Encoded:
        return await self._replace(
            context,
            REPLACE_OFFERED,
            f"offered/{request.quarter}",
            request,
            lambda c: writes.replace_offered(c, request.quarter, request.rows),
        )

    @action(REPLACE_GE)
    async def replace_ge(self, context: Context, request: Replace[LabelsRows]) -> Saved | Encoded:
        return await self._replace(
            context,
            REPLACE_GE,
            "ge",
            request,
            lambda c: writes.replace_labels(c, tables.general_education, request.rows),
        )

    @action(REPLACE_RMP)
    async def replace_rmp(self, context: Context, request: Replace[LabelsRows]) -> Saved | Encoded:
        return await self._replace(
            context, REPLACE_RMP, "rmp", request, lambda c: writes.replace_labels(c, tables.ratings, request.rows)
        )

    @action(REPLACE_SUBJECTS)
    async def replace_subjects(self, context: Context, request: Replace[LabelsRows]) -> Saved | Encoded:
        return await self._replace(
            context, REPLACE_SUBJECTS, SUBJECTS, request, lambda c: writes.replace_subjects(c, request.rows.labels)
        )

    @action(REPLACE_LOCATIONS)
    async def replace_locations(self, context: Context, request: Replace[LocationsRows]) -> Saved | Encoded:
        return await self._replace(
            context, REPLACE_LOCATIONS, "locations", request, lambda c: writes.replace_locations(c, request.rows)
        )

    async def _read(self, context: Context, key: str, read: Read) -> Encoded:
        async def unit(connection: AsyncConnection) -> tuple[DocumentVersion, reads.RowsByName]:
            return await documents.read_version(connection, key), await read(connection)

        version, rows = await self._reads.run(context, unit)
        return Encoded(orjson.dumps({"version": version.version, "changed_at": version.changed_at, "rows": rows}))

    async def _replace(
        self,
        context: Context,
        contract: Action[Any, Saved],
        key: str,
        request: Replace[Any],
        write: Write,
        subjects: set[str] | None = None,
    ) -> Saved | Encoded:
        """`subjects` are those that the document lists; the ones that are new become known with it."""
        changed: list[DocumentChanged] = []
        """By the last run of the unit, for those who keep copies."""

        async def unit(connection: AsyncConnection) -> Saved:
            changed.clear()
            now = self._clock.epoch_milliseconds() // 1000
            saved = await documents.claim(connection, key, request.digest, now)
            if saved.changed:
                await write(connection)
                changed.append(DocumentChanged(key=key, version=saved.version))
                if subjects and await writes.add_subjects(connection, subjects):
                    version = await documents.touch(connection, SUBJECTS, now)
                    changed.append(DocumentChanged(key=SUBJECTS, version=version))
            return saved

        saved = await self._writes.run(context, contract, request, unit)
        for change in changed:
            await self._tell(context, change)
        return saved

    async def _tell(self, context: Context, change: DocumentChanged) -> None:
        """The change is committed, whether it can be told or not: who is cut off drops its copies on return."""
        try:
            await context.broadcast(ROWS_CHANGED, change)
        except MeshError as error:
            logger.warning("change of %s not told: %s", change.key, error)
