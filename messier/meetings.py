"""Meetings of classes and of sections: the same states in a document, the same columns in a row.

document's `t`                    days     cancelled   missing
{"day": [..], "time": {..}}       letters  no
{"day": [], ..} (tentative)       ""       no
null (to be announced)            null     no
false (cancelled)                 null     yes
no such key                       null     no          t
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from typing_extensions import TypedDict

from messier.positions import in_order
from schema.catalogue import Day, Meeting, Times
from schema.courses import MeetingRow, SectionMeetingRow

DAY_OF_LETTER: dict[str, Day] = {
    "M": "Monday",
    "T": "Tuesday",
    "W": "Wednesday",
    "R": "Thursday",
    "F": "Friday",
    "S": "Saturday",
    "U": "Sunday",
}
LETTER_OF_DAY = {day: letter for letter, day in DAY_OF_LETTER.items()}


class MeetingColumns(TypedDict):
    """What the rows of both kinds of meeting have in common."""

    days: str | None
    starts: str | None
    ends: str | None
    cancelled: bool
    location: str | None
    missing: str


def columns_of(meeting: Meeting) -> MeetingColumns:
    times = meeting.get("t")
    hours = times["time"] if times else None
    return {
        "days": "".join([LETTER_OF_DAY[day] for day in times["day"]]) if times else None,
        "starts": hours["start"] if hours else None,
        "ends": hours["end"] if hours else None,
        "cancelled": times is False,
        "location": meeting.get("loc"),
        "missing": ",".join([key for key in ("loc", "t") if key not in meeting]),
    }


def meeting_of(row: MeetingRow | SectionMeetingRow) -> Meeting:
    if not row["missing"]:
        return {"t": _times_of(row), "loc": row["location"]}
    missing = row["missing"].split(",")
    meeting: Meeting = {}
    if "t" not in missing:
        meeting["t"] = _times_of(row)
    if "loc" not in missing:
        meeting["loc"] = row["location"]
    return meeting


def meetings_by_class(rows: Iterable[MeetingRow]) -> dict[int, list[Meeting]]:
    """Position of a class to its meetings."""
    meetings: dict[int, list[Meeting]] = {}
    for row in in_order(rows):
        meetings.setdefault(row["class_position"], []).append(meeting_of(row))
    return meetings


def meetings_by_section(rows: Iterable[SectionMeetingRow]) -> dict[tuple[int, int], list[Meeting]]:
    """Number of a course and position of its section to the section's meetings."""
    meetings: dict[tuple[int, int], list[Meeting]] = {}
    for row in in_order(rows):
        meetings.setdefault((row["number"], row["section_position"]), []).append(meeting_of(row))
    return meetings


def _times_of(row: MeetingRow | SectionMeetingRow) -> Times | Literal[False] | None:
    days, starts, ends = row["days"], row["starts"], row["ends"]
    if row["cancelled"]:
        return False
    if days is None or starts is None or ends is None:
        return None
    return {"day": [DAY_OF_LETTER[letter] for letter in days], "time": {"start": starts, "end": ends}}
