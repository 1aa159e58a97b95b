"""A ranked search of classes, in SQL that both databases understand.

Every word must be found somewhere in a class; where it is found says how much it counts, and the words' counts add
up. So "ams 5" puts the course AMS 5 first, AMS 50 after it, and a class of AMS that only mentions a 5 last.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import ColumnElement, FromClause, Select, and_, case, desc, exists, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from schema.courses import FoundRow, SearchRows
from schema.tables import ExactText, class_instructors, class_search, classes, course_general_education, courses, texts

CODE_EXACT = 100
CODE_PREFIX = 60
TITLE_WORD = 40
TITLE_PART = 20
INSTRUCTOR = 10
DESCRIPTION = 1
"""Points of a word by the best place where it is found. A code that is exactly right beats two lesser findings of
the same word anywhere else."""

GLUED = re.compile(r"([^\W\d_]+)(\d.*)")
"""A subject and a course written as one word: ams5."""


Exact: TypeAlias = ColumnElement[str]
Match: TypeAlias = Callable[[Exact, str], ColumnElement[bool]]


class Place(NamedTuple):
    points: int
    found: ColumnElement[bool]


async def search(connection: AsyncConnection, request: SearchRows) -> list[FoundRow]:
    found = (await connection.execute(statement_of(request))).mappings().all()
    if not found:
        return []
    instructors = await _instructors(connection, found)
    general_education = await _general_education(connection, found)
    return [
        FoundRow(
            term=row["term"],
            subject=row["subject"],
            course=row["course"],
            section=row["section"],
            title=row["title"],
            number=row["number"],
            instructors=instructors.get((row["term"], row["position"]), []),
            general_education=general_education.get((row["term"], row["number"]), []),
            score=row["score"],
        )
        for row in found
    ]


def statement_of(request: SearchRows) -> Select[Any]:
    """The best classes, newest term first among equals."""
    best = _best(request).subquery("best")
    columns = classes.c
    return (
        select(
            best.c.term,
            best.c.position,
            best.c.score,
            columns.subject,
            columns.course,
            columns.section,
            columns.title,
            columns.number,
        )
        .join_from(best, classes, and_(columns.term == best.c.term, columns.position == best.c.position))
        .order_by(best.c.score.desc(), best.c.term.desc(), best.c.position)
    )


def _best(request: SearchRows) -> Select[Any]:
    searched = class_search.c
    score: ColumnElement[int] = literal(0)
    conditions = _filters(request)
    for word in request.words:
        places = _places(word)
        conditions.append(or_(*(place.found for place in places), _described(word)))
        score = score + case(*((place.found, place.points) for place in places), else_=_DESCRIBED_POINTS)
    ranked = select(searched.term, searched.position, score.label("score")).select_from(_source(request))
    order = [searched.term.desc(), searched.position]
    if request.words:
        order.insert(0, desc("score"))
    return ranked.where(*conditions).order_by(*order).limit(request.limit)


def _source(request: SearchRows) -> FromClause:
    """Without words nobody asks for descriptions."""
    searched, described = class_search.c, courses.c
    if not request.words:
        return class_search
    return class_search.outerjoin(courses, and_(described.term == searched.term, described.number == searched.number))


def _filters(request: SearchRows) -> list[ColumnElement[bool]]:
    searched, labels = class_search.c, course_general_education.c
    conditions: list[ColumnElement[bool]] = []
    if request.term is not None:
        conditions.append(searched.term == request.term)
    if request.subject is not None:
        conditions.append(searched.subject == request.subject)
    if request.general_education is not None:
        labelled = exists().where(
            labels.term == searched.term,
            labels.number == searched.number,
            labels.label == request.general_education,
        )
        conditions.append(labelled)
    return conditions


# A class is here because all words were found: those that were not found elsewhere are in its description. That the
# points depend on the course keeps MariaDB from sorting all classes before it knows which of them are wanted.
_DESCRIBED_POINTS = case((courses.c.description_id.is_not(None), DESCRIPTION), else_=0)


def _described(word: str) -> ColumnElement[bool]:
    """As a set that is made once: joined instead, MariaDB would search the same description for every class."""
    return courses.c.description_id.in_(select(texts.c.id).where(_contains(texts.c.folded, word)))


def _places(word: str) -> list[Place]:
    """The best first; the description comes after them all."""
    searched = class_search.c
    spaced = literal(" ", ExactText()).concat(searched.folded_title).concat(literal(" ", ExactText()))
    return [
        Place(CODE_EXACT, _code(word, _equals)),
        Place(CODE_PREFIX, _code(word, _begins)),
        Place(TITLE_WORD, _contains(spaced, f" {word} ")),
        Place(TITLE_PART, _contains(searched.folded_title, word)),
        Place(INSTRUCTOR, _contains(searched.folded_names, word)),
    ]


def _code(word: str, matches: Match) -> ColumnElement[bool]:
    subject, course = class_search.c.folded_subject, class_search.c.folded_course
    codes = [matches(subject, word), matches(course, word)]
    if glued := GLUED.fullmatch(word):
        codes.append(and_(subject == glued[1], matches(course, glued[2])))
    return or_(*codes)


def _equals(column: Exact, word: str) -> ColumnElement[bool]:
    return column == word


def _begins(column: Exact, word: str) -> ColumnElement[bool]:
    return func.instr(column, literal(word, ExactText())) == 1


def _contains(column: Exact, word: str) -> ColumnElement[bool]:
    """Both databases have INSTR. Unlike LIKE it gives no letter a meaning of its own, and compares as it is told."""
    return func.instr(column, literal(word, ExactText())) > 0


async def _instructors(connection: AsyncConnection, found: Sequence[Any]) -> dict[tuple[str, int], list[str]]:
    columns = class_instructors.c
    of_found = or_(*(and_(columns.term == row["term"], columns.class_position == row["position"]) for row in found))
    rows = await connection.execute(
        select(columns.term, columns.class_position, columns.name)
        .where(of_found)
        .order_by(columns.term, columns.class_position, columns.position)
    )
    return _grouped(rows)


async def _general_education(connection: AsyncConnection, found: Sequence[Any]) -> dict[tuple[str, int], list[str]]:
    columns = course_general_education.c
    numbered = {(row["term"], row["number"]) for row in found if row["number"] is not None}
    if not numbered:
        return {}
    of_found = or_(*(and_(columns.term == term, columns.number == number) for term, number in sorted(numbered)))
    rows = await connection.execute(
        select(columns.term, columns.number, columns.label)
        .where(of_found)
        .order_by(columns.term, columns.number, columns.position)
    )
    return _grouped(rows)


def _grouped(rows: Any) -> dict[tuple[str, int], list[str]]:
    grouped: dict[tuple[str, int], list[str]] = {}
    for term, number, value in rows:
        grouped.setdefault((term, number), []).append(value)
    return grouped
