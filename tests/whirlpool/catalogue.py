"""Small catalogues as rows, to be written in one line each."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from schema.action import Message
from schema.courses import (
    ClassInstructorRow,
    ClassRow,
    CourseLabelRow,
    CourseRow,
    CoursesRows,
    LabelRow,
    LabelsRows,
    Replace,
    ReplaceOfTerm,
    SubjectRow,
    TermRows,
)


def digest_of(rows: Message) -> str:
    return hashlib.sha256(orjson.dumps(rows.model_dump())).hexdigest()


def a_class(position: int, subject: str, course: str, title: str = "A Title", **columns: Any) -> ClassRow:
    row: ClassRow = {
        "position": position,
        "subject": subject,
        "course": course,
        "section": "01",
        "title": title,
        "number": 20_000 + position,
        "capacity": "30",
        "first_name": None,
        "last_name": None,
        "middle_name": None,
        "duplicate": None,
        "missing": "dup",
    }
    return row | columns  # type: ignore[return-value]


def a_term(*classes: ClassRow, subjects: tuple[str, ...] = (), instructors: tuple[str, ...] = ()) -> TermRows:
    """`instructors` are printed with the classes, one each."""
    listed = dict.fromkeys((*(each["subject"] for each in classes), *subjects))
    return TermRows(
        subjects=[SubjectRow(position=position, subject=subject) for position, subject in enumerate(listed)],
        classes=list(classes),
        meetings=[],
        instructors=[
            ClassInstructorRow(class_position=position, position=0, name=name)
            for position, name in enumerate(instructors)
        ],
    )


def a_course(number: int, description: str = "About it.", *, position: int = 0) -> CourseRow:
    return {
        "position": position,
        "number": number,
        "known": True,
        "kind": "Lecture",
        "credits": "5 units",
        "description": description,
        "requirements": None,
    }


def some_courses(*courses: CourseRow, general_education: tuple[tuple[int, str], ...] = ()) -> CoursesRows:
    return CoursesRows(
        courses=list(courses),
        general_education=[
            CourseLabelRow(number=number, position=position, label=label)
            for position, (number, label) in enumerate(general_education)
        ],
        combined=[],
        sections=[],
        section_meetings=[],
    )


def labels(**names: str | None) -> LabelsRows:
    rows = [LabelRow(position=position, code=code, label=label) for position, (code, label) in enumerate(names.items())]
    return LabelsRows(labels=rows)


def replace_term(term: str, rows: TermRows) -> ReplaceOfTerm[TermRows]:
    return ReplaceOfTerm[TermRows](term=term, digest=digest_of(rows), rows=rows)


def replace_courses(term: str, rows: CoursesRows) -> ReplaceOfTerm[CoursesRows]:
    return ReplaceOfTerm[CoursesRows](term=term, digest=digest_of(rows), rows=rows)


def replace_labels(rows: LabelsRows) -> Replace[LabelsRows]:
    return Replace[LabelsRows](digest=digest_of(rows), rows=rows)
