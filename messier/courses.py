"""The course catalogue as the public knows it: documents out of rows, and a search through the classes."""

from __future__ import annotations

import orjson

from broker import Broker, Context, Encoded, Service, action, event
from broker.cache.caching import Cache, Computed
from messier import old_reads
from messier.courses_document import document_of_courses
from messier.document_reader import DocumentReader
from messier.search import results_of, rows_request
from messier.small_documents import (
    document_of_labels,
    document_of_locations,
    document_of_offered,
    document_of_terms,
)
from messier.term_document import document_of_term
from schema.action import Nothing
from schema.courses import (
    COURSES,
    DOCUMENT_CHANGED,
    GE,
    LOCATIONS,
    OFFERED,
    READ_COURSES,
    READ_GE,
    READ_LOCATIONS,
    READ_OFFERED,
    READ_RMP,
    READ_SUBJECTS,
    READ_TERM,
    READ_TERMS,
    RMP,
    ROWS_CHANGED,
    SEARCH,
    SEARCH_ROWS,
    SUBJECTS,
    TERM,
    TERMS,
    TIMESTAMP,
    DocumentChanged,
    OfKey,
    OfQuarter,
    OfTerm,
    Search,
)
from schema.freshness import STALE_SECONDS

SEARCH_DEADLINE_SECONDS = 5.0


class Courses(Service):
    name = "courses"

    def __init__(self, broker: Broker, reader: DocumentReader, searches: Cache) -> None:
        self._broker = broker
        self._reader = reader
        self._searches = searches

    @action(TERMS)
    async def terms(self, context: Context, request: Nothing) -> Encoded:
        return _encoded(context, await self._reader.document("terms", READ_TERMS, request, document_of_terms))

    @action(TERM)
    async def term(self, context: Context, request: OfTerm) -> Encoded:
        key = f"terms/{request.code}"
        return _encoded(context, await self._reader.document(key, READ_TERM, request, document_of_term))

    @action(COURSES)
    async def courses(self, context: Context, request: OfTerm) -> Encoded:
        key = f"courses/{request.code}"
        return _encoded(context, await self._reader.document(key, READ_COURSES, request, document_of_courses))

    @action(OFFERED)
    async def offered(self, context: Context, request: OfQuarter) -> Encoded:
        key = f"offered/{request.quarter}"
        return _encoded(context, await self._reader.document(key, READ_OFFERED, request, document_of_offered))

    @action(SUBJECTS)
    async def subjects(self, context: Context, request: Nothing) -> Encoded:
        return _encoded(context, await self._reader.document("subjects", READ_SUBJECTS, request, document_of_labels))

    @action(GE)
    async def ge(self, context: Context, request: Nothing) -> Encoded:
        return _encoded(context, await self._reader.document("ge", READ_GE, request, document_of_labels))

    @action(RMP)
    async def rmp(self, context: Context, request: Nothing) -> Encoded:
        return _encoded(context, await self._reader.document("rmp", READ_RMP, request, document_of_labels))

    @action(LOCATIONS)
    async def locations(self, context: Context, request: Nothing) -> Encoded:
        return _encoded(
            context, await self._reader.document("locations", READ_LOCATIONS, request, document_of_locations)
        )

    @action(TIMESTAMP)
    async def timestamp(self, context: Context, request: OfKey) -> Encoded:
        return _encoded(context, await self._reader.changed_at(request.key))

    @action(SEARCH)
    async def search(self, context: Context, request: Search) -> Encoded:
        rows = rows_request(request)

        async def compute() -> Computed:
            answer = await old_reads.read(self._broker, SEARCH_ROWS, rows, deadline_seconds=SEARCH_DEADLINE_SECONDS)
            body = orjson.dumps(results_of(answer.found))
            return Computed(body, storable=not answer.old, old_seconds=answer.old_seconds)

        return _encoded(context, await self._searches.get_or_compute(rows.model_dump_json(), compute))

    @event(ROWS_CHANGED)
    async def changed(self, context: Context, payload: DocumentChanged) -> None:
        """Others are told only once nothing here answers the old document any more."""
        self._reader.changed(payload.key, payload.version)
        self._searches.clear()
        await context.broadcast(DOCUMENT_CHANGED, payload)

    def forget_all(self) -> None:
        """Events may have been missed."""
        self._reader.forget_all()
        self._searches.clear()


def _encoded(context: Context, computed: Computed) -> Encoded:
    if not computed.storable:
        context.meta["stale"] = True
    if computed.old_seconds is not None:
        context.meta[STALE_SECONDS] = computed.old_seconds
    return Encoded(computed.value)
