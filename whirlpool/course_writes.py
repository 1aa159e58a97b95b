"""Replacing a document's rows: the old ones go, children first, and the new ones come, parents first.

Every function here runs inside a transaction that holds the document's version row, so nobody else writes the same
document, and readers see the old rows until the commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, insert, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from schema import tables
from schema.courses import (
    ClassRow,
    CoursesRows,
    LabelRow,
    LabelsRows,
    LocationsRows,
    OfferedRows,
    TermRows,
    TermsRows,
)
from schema.errors import Invalid
from schema.tables import FOLDED_NAMES_LENGTH, NAME_LENGTH
from whirlpool.batches import insert_rows
from whirlpool.texts import folded, keep_texts, text_id

Row = dict[str, object]

TERM_TABLES = (
    tables.term_subjects,
    tables.classes,
    tables.meetings,
    tables.class_instructors,
    tables.class_search,
)
COURSES_TABLES = (
    tables.courses,
    tables.course_general_education,
    tables.course_combined,
    tables.sections,
    tables.section_meetings,
)
"""Parents first."""


async def replace_terms(connection: AsyncConnection, rows: TermsRows) -> None:
    await _replace(connection, {tables.terms: rows.terms})


async def replace_term(connection: AsyncConnection, term: str, rows: TermRows) -> None:
    listed = {row["subject"] for row in rows.subjects}
    if strangers := {row["subject"] for row in rows.classes} - listed:
        raise Invalid(f"classes of subjects that the term does not list: {', '.join(sorted(strangers))}")
    contents = (rows.subjects, rows.classes, rows.meetings, rows.instructors, _search_rows(rows))
    await _replace(connection, dict(zip(TERM_TABLES, contents, strict=True)), term=term)


async def replace_courses(connection: AsyncConnection, term: str, rows: CoursesRows) -> None:
    descriptions = {row["description"] for row in rows.courses}
    requirements = {row["requirements"] for row in rows.courses if row["requirements"] is not None}
    await keep_texts(connection, descriptions | requirements)
    courses = [_course(dict(row)) for row in rows.courses]
    contents = (courses, rows.general_education, rows.combined, rows.sections, rows.section_meetings)
    await _replace(connection, dict(zip(COURSES_TABLES, contents, strict=True)), term=term)


async def replace_offered(connection: AsyncConnection, quarter: str, rows: OfferedRows) -> None:
    positions = _positions((row["course"], row["position"]) for row in rows.courses)
    offerings = [
        {"course_position": _known(positions, row["course"]), "year": row["year"], "classes": row["classes"]}
        for row in rows.offerings
    ]
    await _replace(connection, {tables.offered_courses: rows.courses, tables.offerings: offerings}, quarter=quarter)


async def replace_labels(connection: AsyncConnection, table: Table, rows: LabelsRows) -> None:
    await _replace(connection, {table: rows.labels})


async def replace_locations(connection: AsyncConnection, rows: LocationsRows) -> None:
    positions = _positions((row["kind"], row["position"]) for row in rows.kinds)
    places = [_place(dict(row), _known(positions, row["kind"])) for row in rows.places]
    await _replace(connection, {tables.place_kinds: rows.kinds, tables.places: places})


async def replace_subjects(connection: AsyncConnection, rows: Sequence[LabelRow]) -> None:
    """A subject that a term lists stays, without a name if these rows have none for it."""
    named: list[Row] = [{"code": row["code"], "label": row["label"]} for row in rows]
    codes = {row["code"] for row in rows}
    listed = await connection.scalars(select(tables.term_subjects.c.subject).distinct())
    unnamed: list[Row] = [{"code": code, "label": None} for code in sorted(set(listed) - codes)]
    await _replace(connection, {tables.subjects: named + unnamed})


async def add_subjects(connection: AsyncConnection, codes: Iterable[str]) -> bool:
    """Those that are new, without a name. Returns whether there were any."""
    there = set(await connection.scalars(select(tables.subjects.c.code)))
    missing = sorted(set(codes) - there)
    if missing:
        new = insert(tables.subjects).prefix_with("IGNORE", dialect="mysql").prefix_with("OR IGNORE", dialect="sqlite")
        await connection.execute(new, [{"code": code, "label": None} for code in missing])
    return bool(missing)


async def _replace(
    connection: AsyncConnection, contents: dict[Table, Sequence[Mapping[str, Any]]], **document: str
) -> None:
    """`contents` parents first; `document` names the column and value that all rows of the document share."""
    for table in reversed(contents):
        await connection.execute(delete(table).where(_of(table, document)))
    for table, rows in contents.items():
        await insert_rows(connection, table, [{**row, **document} for row in rows])


def _of(table: Table, document: Mapping[str, str]) -> ColumnElement[bool]:
    conditions = [table.c[column] == value for column, value in document.items()]
    return conditions[0] if conditions else true()


def _course(row: Row) -> Row:
    description, requirements = str(row.pop("description")), row.pop("requirements")
    row["description_id"] = text_id(description)
    row["requirements_id"] = None if requirements is None else text_id(str(requirements))
    return row


def _place(row: Row, kind_position: int) -> Row:
    del row["kind"]
    return {**row, "kind_position": kind_position}


def _positions(named: Iterable[tuple[str, int]]) -> dict[str, int]:
    positions: dict[str, int] = {}
    for name, position in named:
        if name in positions:
            raise Invalid(f"{name!r} is there twice")
        positions[name] = position
    return positions


def _known(positions: Mapping[str, int], name: str) -> int:
    if name not in positions:
        raise Invalid(f"{name!r} is mentioned, but not listed")
    return positions[name]


def _search_rows(rows: TermRows) -> list[Row]:
    printed: dict[int, list[str]] = {}
    for row in rows.instructors:
        printed.setdefault(row["class_position"], []).append(row["name"])
    return [_search_row(row, printed.get(row["position"], [])) for row in rows.classes]


def _search_row(row: ClassRow, printed: Sequence[str]) -> Row:
    names = (row["first_name"], row["last_name"], *printed)
    return {
        "position": row["position"],
        "number": row["number"],
        "subject": row["subject"],
        "folded_subject": folded(row["subject"])[:NAME_LENGTH],
        "folded_course": folded(row["course"])[:NAME_LENGTH],
        "folded_title": folded(row["title"])[:NAME_LENGTH],
        "folded_names": folded(" ".join(name for name in names if name))[:FOLDED_NAMES_LENGTH],
    }
