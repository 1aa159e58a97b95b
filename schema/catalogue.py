"""The catalogue's documents, as the public API serves them and as an archive holds them.

Null, false, empty and missing are four different things here, so documents are typed dictionaries: a key that may
be missing is `NotRequired`, and is missing in Python when it is missing in the file.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypeAlias

from pydantic import ConfigDict, Field, TypeAdapter, with_config
from typing_extensions import TypedDict

STRICT = ConfigDict(strict=True, extra="forbid")

TermCode: TypeAlias = Annotated[str, Field(pattern=r"^[0-9]{4}$", examples=["2168"])]
Quarter: TypeAlias = Literal["spring", "summer", "fall", "winter"]
Clock: TypeAlias = Annotated[str, Field(pattern=r"^[0-9]{2}:[0-9]{2}$", examples=["09:50"])]
Day: TypeAlias = Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
Date: TypeAlias = Annotated[str, Field(max_length=32, examples=["09/22/16"])]
"""MM/DD/YY, and also "N/A" and "" in terms whose dates were never published."""

Name: TypeAlias = Annotated[str, Field(max_length=190)]
"""A name or a title: short enough for an index."""
Text: TypeAlias = Annotated[str, Field(max_length=16_000)]


@with_config(STRICT)
class TermDates(TypedDict):
    start: Date
    end: Date


@with_config(STRICT)
class Term(TypedDict):
    code: TermCode
    name: Name
    date: TermDates


TermsDocument: TypeAlias = list[Term]
"""`terms`: newest first."""


@with_config(STRICT)
class Hours(TypedDict):
    start: Clock
    end: Clock


@with_config(STRICT)
class Times(TypedDict):
    """`day: []` from 00:00 to 00:00 means tentative."""

    day: Annotated[list[Day], Field(max_length=7)]
    time: Hours


@with_config(STRICT)
class Meeting(TypedDict):
    """`t` is null when it is to be announced, false when it was cancelled."""

    t: NotRequired[Times | Literal[False] | None]
    loc: NotRequired[Name | None]


@with_config(STRICT)
class Instructors(TypedDict):
    """`d` as printed in the catalogue; first, last and middle name of the first of them."""

    d: list[Name]
    f: NotRequired[Name | None]
    l: NotRequired[Name | None]  # noqa: E741 (the document's own key)
    m: NotRequired[Name | None]


@with_config(STRICT)
class Class(TypedDict):
    c: Name
    s: Name
    n: Name
    num: NotRequired[int | None]
    cap: NotRequired[Name | None]
    ins: Instructors
    loct: list[Meeting]
    dup: NotRequired[bool]


TermDocument: TypeAlias = dict[Name, list[Class]]
"""`terms/<code>`: subject to its classes."""


@with_config(STRICT)
class Section(TypedDict):
    num: Name
    sec: Name
    loct: list[Meeting]
    ins: Name | None
    cap: Name | None


@with_config(STRICT)
class Course(TypedDict):
    ty: Name
    cr: Name
    ge: list[Name]
    desc: Text
    re: Text | None
    com: list[Name]
    sec: list[Section]


ClassNumber: TypeAlias = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,8})$", examples=["21304"])]

CoursesDocument: TypeAlias = dict[ClassNumber, Course | Literal[False]]
"""`courses/<code>`: class number to its details; false where the registrar gives none."""

Year: TypeAlias = Annotated[str, Field(pattern=r"^[0-9]{4}$")]

OfferedDocument: TypeAlias = dict[Name, dict[Year, int]]
"""`offered/<quarter>`: course to the number of classes in each year."""

GeneralEducationDocument: TypeAlias = dict[Name, Name]
"""`ge`: code to name."""

RatingsDocument: TypeAlias = dict[Name, Name]
"""`rmp`: first and last name, joined, to the rating site's id."""

SubjectsDocument: TypeAlias = dict[Name, Name | None]
"""`subjects`: code to name, null where no name is known."""


@with_config(STRICT)
class Place(TypedDict):
    lat: float
    lon: float
    label: Name


LocationsDocument: TypeAlias = dict[Name, list[Place]]
"""`locations`: kind of place to its places."""


def _strict(shape: Any) -> TypeAdapter[Any]:
    return TypeAdapter(shape, config=ConfigDict(strict=True))


DOCUMENTS: dict[str, TypeAdapter[Any]] = {
    "terms": _strict(TermsDocument),
    "terms/": _strict(TermDocument),
    "courses/": _strict(CoursesDocument),
    "offered/": _strict(OfferedDocument),
    "ge": _strict(GeneralEducationDocument),
    "rmp": _strict(RatingsDocument),
    "subjects": _strict(SubjectsDocument),
    "locations": _strict(LocationsDocument),
}
"""A document's key, or its folder, to what it must look like."""
