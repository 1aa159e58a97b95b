"""`courses/<code>`: a class number's details and discussion sections, and the rows of the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from messier.meetings import columns_of, meetings_by_section
from messier.positions import in_order
from schema.catalogue import Course, CoursesDocument, Meeting, Section
from schema.courses import CourseLabelRow, CourseRow, CoursesRows, SectionMeetingRow, SectionRow


def rows_of_courses(document: CoursesDocument) -> CoursesRows:
    known = [(int(number), course) for number, course in document.items() if course is not False]
    sections = [
        (number, position, section) for number, course in known for position, section in enumerate(course["sec"])
    ]
    return CoursesRows(
        courses=[_course_row(position, int(number), document[number]) for position, number in enumerate(document)],
        general_education=_label_rows((number, course["ge"]) for number, course in known),
        combined=_label_rows((number, course["com"]) for number, course in known),
        sections=[_section_row(number, position, section) for number, position, section in sections],
        section_meetings=[
            SectionMeetingRow(number=number, section_position=owner, position=position, **columns_of(meeting))
            for number, owner, section in sections
            for position, meeting in enumerate(section["loct"])
        ],
    )


def document_of_courses(rows: CoursesRows) -> CoursesDocument:
    general_education = _labels_by_course(rows.general_education)
    combined = _labels_by_course(rows.combined)
    sections = _sections_by_course(rows.sections, meetings_by_section(rows.section_meetings))
    document: CoursesDocument = {}
    for row in in_order(rows.courses):
        number = row["number"]
        document[str(number)] = row["known"] and {
            "ty": row["kind"],
            "cr": row["credits"],
            "ge": general_education.get(number, []),
            "desc": row["description"],
            "re": row["requirements"],
            "com": combined.get(number, []),
            "sec": sections.get(number, []),
        }
    return document


def _course_row(position: int, number: int, course: Course | Literal[False]) -> CourseRow:
    row: CourseRow = {
        "position": position,
        "number": number,
        "known": False,
        "kind": "",
        "credits": "",
        "description": "",
        "requirements": None,
    }
    if course is False:
        return row
    return row | {
        "known": True,
        "kind": course["ty"],
        "credits": course["cr"],
        "description": course["desc"],
        "requirements": course["re"],
    }


def _label_rows(labels: Iterable[tuple[int, list[str]]]) -> list[CourseLabelRow]:
    return [
        CourseLabelRow(number=number, position=position, label=label)
        for number, course_labels in labels
        for position, label in enumerate(course_labels)
    ]


def _labels_by_course(rows: list[CourseLabelRow]) -> dict[int, list[str]]:
    labels: dict[int, list[str]] = {}
    for row in in_order(rows):
        labels.setdefault(row["number"], []).append(row["label"])
    return labels


def _section_row(number: int, position: int, section: Section) -> SectionRow:
    return {
        "number": number,
        "position": position,
        "section_number": section["num"],
        "section": section["sec"],
        "instructor": section["ins"],
        "capacity": section["cap"],
    }


def _sections_by_course(
    rows: list[SectionRow], meetings: dict[tuple[int, int], list[Meeting]]
) -> dict[int, list[Section]]:
    sections: dict[int, list[Section]] = {}
    for row in in_order(rows):
        number = row["number"]
        sections.setdefault(number, []).append(
            {
                "num": row["section_number"],
                "sec": row["section"],
                "loct": meetings.get((number, row["position"]), []),
                "ins": row["instructor"],
                "cap": row["capacity"],
            }
        )
    return sections
