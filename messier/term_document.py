"""`terms/<code>`: a subject's classes, each with its instructors and meetings, and the rows of the same.

A class's position is counted over the whole document, so that it alone names the class to meetings and instructors.
"""

from __future__ import annotations

from messier.meetings import columns_of, meetings_by_class
from messier.positions import in_order
from schema.catalogue import Class, Instructors, Meeting, TermDocument
from schema.courses import ClassInstructorRow, ClassRow, MeetingRow, SubjectRow, TermRows


def rows_of_term(document: TermDocument) -> TermRows:
    classes = [(subject, each) for subject, classes in document.items() for each in classes]
    return TermRows(
        subjects=[SubjectRow(position=position, subject=subject) for position, subject in enumerate(document)],
        classes=[_class_row(position, subject, each) for position, (subject, each) in enumerate(classes)],
        meetings=[
            MeetingRow(class_position=class_position, position=position, **columns_of(meeting))
            for class_position, (_, each) in enumerate(classes)
            for position, meeting in enumerate(each["loct"])
        ],
        instructors=[
            ClassInstructorRow(class_position=class_position, position=position, name=name)
            for class_position, (_, each) in enumerate(classes)
            for position, name in enumerate(each["ins"]["d"])
        ],
    )


def document_of_term(rows: TermRows) -> TermDocument:
    meetings = meetings_by_class(rows.meetings)
    names = _names_by_class(rows.instructors)
    document: TermDocument = {row["subject"]: [] for row in in_order(rows.subjects)}
    for row in in_order(rows.classes):
        position = row["position"]
        document[row["subject"]].append(_class_of(row, names.get(position, []), meetings.get(position, [])))
    return document


def _class_row(position: int, subject: str, each: Class) -> ClassRow:
    instructors = each["ins"]
    missing = [key for key in ("cap", "dup", "num") if key not in each]
    missing += [key for key in ("f", "l", "m") if key not in instructors]
    return {
        "position": position,
        "subject": subject,
        "course": each["c"],
        "section": each["s"],
        "title": each["n"],
        "number": each.get("num"),
        "capacity": each.get("cap"),
        "first_name": instructors.get("f"),
        "last_name": instructors.get("l"),
        "middle_name": instructors.get("m"),
        "duplicate": each.get("dup"),
        "missing": ",".join(missing),
    }


def _class_of(row: ClassRow, names: list[str], meetings: list[Meeting]) -> Class:
    missing = row["missing"].split(",")
    each: Class = {
        "c": row["course"],
        "s": row["section"],
        "n": row["title"],
        "ins": _instructors_of(row, names, missing),
        "loct": meetings,
    }
    if "num" not in missing:
        each["num"] = row["number"]
    if "cap" not in missing:
        each["cap"] = row["capacity"]
    if "dup" not in missing:
        each["dup"] = bool(row["duplicate"])
    return each


def _instructors_of(row: ClassRow, names: list[str], missing: list[str]) -> Instructors:
    instructors: Instructors = {"d": names}
    if "f" not in missing:
        instructors["f"] = row["first_name"]
    if "l" not in missing:
        instructors["l"] = row["last_name"]
    if "m" not in missing:
        instructors["m"] = row["middle_name"]
    return instructors


def _names_by_class(rows: list[ClassInstructorRow]) -> dict[int, list[str]]:
    names: dict[int, list[str]] = {}
    for row in in_order(rows):
        names.setdefault(row["class_position"], []).append(row["name"])
    return names
