"""Which action replaces which document, with the rows and the digest that tell a change from a repetition."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson

from messier.courses_document import rows_of_courses
from messier.small_documents import rows_of_labels, rows_of_locations, rows_of_offered, rows_of_terms
from messier.term_document import rows_of_term
from schema.action import Action, Message
from schema.courses import (
    REPLACE_COURSES,
    REPLACE_GE,
    REPLACE_LOCATIONS,
    REPLACE_OFFERED,
    REPLACE_RMP,
    REPLACE_SUBJECTS,
    REPLACE_TERM,
    REPLACE_TERMS,
    Saved,
)

Rows = TypeVar("Rows", bound=Message)


@dataclass(frozen=True, slots=True)
class Replacement:
    """A document on its way to the store."""

    key: str
    digest: str
    action: Action[Any, Saved]
    request: Message


@dataclass(frozen=True, slots=True)
class Route:
    """`part` names the request's field that holds what follows the slash in the key."""

    action: Action[Any, Saved]
    rows_of: Callable[[Any], Message]
    part: str | None = None


ROUTES: Mapping[str, Route] = {
    "terms": Route(REPLACE_TERMS, rows_of_terms),
    "terms/": Route(REPLACE_TERM, rows_of_term, "term"),
    "courses/": Route(REPLACE_COURSES, rows_of_courses, "term"),
    "offered/": Route(REPLACE_OFFERED, rows_of_offered, "quarter"),
    "ge": Route(REPLACE_GE, rows_of_labels),
    "rmp": Route(REPLACE_RMP, rows_of_labels),
    "subjects": Route(REPLACE_SUBJECTS, rows_of_labels),
    "locations": Route(REPLACE_LOCATIONS, rows_of_locations),
}


def replacement_of(key: str, document: Any) -> Replacement:
    """`document` must be in shape."""
    folder, slash, name = key.partition("/")
    route = ROUTES[folder + slash]
    rows = route.rows_of(document)
    digest = digest_of(rows)
    part = {route.part: name} if route.part else {}
    return Replacement(key, digest, route.action, route.action.request(digest=digest, rows=rows, **part))


def digest_of(rows: Message) -> str:
    """SHA-256 of the rows as JSON with sorted keys: equal for equal rows, wherever it is computed."""
    return hashlib.sha256(orjson.dumps(rows.model_dump(), option=orjson.OPT_SORT_KEYS)).hexdigest()
