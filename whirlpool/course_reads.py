"""SELECTs that give a document's rows, in the document's order. All of one document run in one snapshot.

A document is one range of its tables' primary keys, so none of these sorts and none reads a row too many.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from sqlalchemy import Select, Table, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from schema import tables

Row: TypeAlias = dict[str, Any]
RowsByName: TypeAlias = dict[str, list[Row]]
"""What a `...Rows` message holds, as plain JSON values: thousands of rows are not worth a validation of our own."""


async def read_terms(connection: AsyncConnection) -> RowsByName:
    columns = tables.terms.c
    statement = select(columns.position, columns.code, columns.name, columns.starts, columns.ends)
    return {"terms": await _rows(connection, statement.order_by(columns.position))}


async def read_term(connection: AsyncConnection, term: str) -> RowsByName:
    return {name: await _rows(connection, statement, of=term) for name, statement in _TERM.items()}


async def read_courses(connection: AsyncConnection, term: str) -> RowsByName:
    return {name: await _rows(connection, statement, of=term) for name, statement in _COURSES.items()}


async def read_offered(connection: AsyncConnection, quarter: str) -> RowsByName:
    return {name: await _rows(connection, statement, of=quarter) for name, statement in _OFFERED.items()}


async def read_labels(connection: AsyncConnection, table: Table) -> RowsByName:
    return {"labels": await _rows(connection, select(table).order_by(table.c.position))}


async def read_subjects(connection: AsyncConnection) -> RowsByName:
    """In the order of their codes, which is that of their characters' numbers in both databases."""
    columns = tables.subjects.c
    rows = await _rows(connection, select(columns.code, columns.label).order_by(columns.code))
    return {"labels": [{"position": position, **row} for position, row in enumerate(rows)]}


async def read_locations(connection: AsyncConnection) -> RowsByName:
    kinds, places = tables.place_kinds.c, tables.places.c
    located = (
        select(kinds.kind, places.position, places.latitude, places.longitude, places.label)
        .join_from(tables.places, tables.place_kinds)
        .order_by(places.kind_position, places.position)
    )
    return {
        "kinds": await _rows(connection, select(tables.place_kinds).order_by(kinds.position)),
        "places": await _rows(connection, located),
    }


async def _rows(connection: AsyncConnection, statement: Select[Any], **parameters: str) -> list[Row]:
    result = await connection.execute(statement, parameters)
    names = [str(column["name"]) for column in statement.column_descriptions]  # plain: encoders want no subclass
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _part(table: Table) -> Select[Any]:
    """All columns but the one that every row of the document shares, in the order of the primary key."""
    document, *order = table.primary_key.columns
    columns = [column for column in table.columns if column is not document]
    return select(*columns).where(document == bindparam("of")).order_by(*order)


def _courses() -> Select[Any]:
    courses, description, requirements = tables.courses, tables.texts.alias(), tables.texts.alias()
    columns = courses.c
    return (
        select(
            columns.position,
            columns.number,
            columns.known,
            columns.kind,
            columns.credits,
            description.c.body.label("description"),
            requirements.c.body.label("requirements"),
        )
        .join_from(courses, description, columns.description_id == description.c.id)
        .outerjoin(requirements, columns.requirements_id == requirements.c.id)
        .where(columns.term == bindparam("of"))
        .order_by(columns.number)
    )


def _offerings() -> Select[Any]:
    courses, offerings = tables.offered_courses.c, tables.offerings.c
    return (
        select(courses.course, offerings.year, offerings.classes)
        .join_from(tables.offerings, tables.offered_courses)
        .where(offerings.quarter == bindparam("of"))
        .order_by(offerings.course_position, offerings.year)
    )


_TERM = {
    "subjects": _part(tables.term_subjects),
    "classes": _part(tables.classes),
    "meetings": _part(tables.meetings),
    "instructors": _part(tables.class_instructors),
}
_COURSES = {
    "courses": _courses(),
    "general_education": _part(tables.course_general_education),
    "combined": _part(tables.course_combined),
    "sections": _part(tables.sections),
    "section_meetings": _part(tables.section_meetings),
}
_OFFERED = {"courses": _part(tables.offered_courses), "offerings": _offerings()}
