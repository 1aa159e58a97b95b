"""Contracts of the course catalogue: `db-courses` keeps rows, `courses` answers documents.

Rows are typed dictionaries with the column names of `schema/tables.py`, and a position wherever a document has an
order. Reads of rows say which version of the document they saw; writes replace one whole document, or nothing.
"""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

from pydantic import Field, with_config
from typing_extensions import TypedDict

from schema.action import Action, Event, Message, Nothing
from schema.catalogue import (
    STRICT,
    Clock,
    CoursesDocument,
    Date,
    GeneralEducationDocument,
    LocationsDocument,
    Name,
    OfferedDocument,
    Quarter,
    RatingsDocument,
    SubjectsDocument,
    TermCode,
    TermDocument,
    TermsDocument,
    Text,
    Year,
)

KEY_PATTERN = r"^[a-z-]{1,32}(/[A-Za-z0-9_]{1,64})?$"
DIGEST_PATTERN = r"^[0-9a-f]{64}$"
SEARCH_LIMIT_DEFAULT = 20
SEARCH_LIMIT_MAX = 100

Key = Annotated[str, Field(pattern=KEY_PATTERN, examples=["terms/2168"])]
Digest = Annotated[str, Field(pattern=DIGEST_PATTERN)]

# --- rows -----------------------------------------------------------------------------------------------------


@with_config(STRICT)
class TermRow(TypedDict):
    """`position` 0 is the first of the document. Dates stay as they are printed: "MM/DD/YY"."""

    position: int
    code: TermCode
    name: Name
    starts: Date
    ends: Date


@with_config(STRICT)
class SubjectRow(TypedDict):
    """A subject as a term's document lists it, with or without classes."""

    position: int
    subject: Name


@with_config(STRICT)
class ClassRow(TypedDict):
    """`missing` names, joined by commas and sorted, the keys that the document does not have at all:
    of `num`, `cap`, `f`, `l`, `m`, `dup`. Their columns are null, as they are for a null."""

    position: int
    subject: Name
    course: Name
    section: Name
    title: Name
    number: int | None
    capacity: Name | None
    first_name: Name | None
    last_name: Name | None
    middle_name: Name | None
    duplicate: bool | None
    missing: Name


@with_config(STRICT)
class MeetingRow(TypedDict):
    """Days are letters of MTWRFSU in the document's order (R Thursday, U Sunday), null where there are no times:
    cancelled if `cancelled`, else to be announced. `missing` names keys of `t`, `loc` as in `ClassRow`."""

    class_position: int
    position: int
    days: Annotated[str, Field(pattern=r"^[MTWRFSU]{0,7}$")] | None
    starts: Clock | None
    ends: Clock | None
    cancelled: bool
    location: Name | None
    missing: Name


@with_config(STRICT)
class ClassInstructorRow(TypedDict):
    class_position: int
    position: int
    name: Name


@with_config(STRICT)
class CourseRow(TypedDict):
    """`known` is false where the document has false in place of the details; the rest is empty then."""

    position: int
    number: int
    known: bool
    kind: Name
    credits: Name
    description: Text
    requirements: Text | None


@with_config(STRICT)
class CourseLabelRow(TypedDict):
    """One general-education code, or one combined class, of a course."""

    number: int
    position: int
    label: Name


@with_config(STRICT)
class SectionRow(TypedDict):
    number: int
    position: int
    section_number: Name
    section: Name
    instructor: Name | None
    capacity: Name | None


@with_config(STRICT)
class SectionMeetingRow(TypedDict):
    """As `MeetingRow`, of a section."""

    number: int
    section_position: int
    position: int
    days: Annotated[str, Field(pattern=r"^[MTWRFSU]{0,7}$")] | None
    starts: Clock | None
    ends: Clock | None
    cancelled: bool
    location: Name | None
    missing: Name


@with_config(STRICT)
class OfferedCourseRow(TypedDict):
    position: int
    course: Name


@with_config(STRICT)
class OfferingRow(TypedDict):
    course: Name
    year: Year
    classes: int


@with_config(STRICT)
class LabelRow(TypedDict):
    """A code and what it stands for: general education, ratings, subjects."""

    position: int
    code: Name
    label: Name | None


@with_config(STRICT)
class PlaceKindRow(TypedDict):
    position: int
    kind: Name


@with_config(STRICT)
class PlaceRow(TypedDict):
    kind: Name
    position: int
    latitude: float
    longitude: float
    label: Name


@with_config(STRICT)
class FoundRow(TypedDict):
    """One class that a search found, with the score that ranked it."""

    term: TermCode
    subject: Name
    course: Name
    section: Name
    title: Name
    number: int | None
    instructors: list[Name]
    general_education: list[Name]
    score: int


# --- one document's rows --------------------------------------------------------------------------------------


class TermsRows(Message):
    terms: list[TermRow]


class TermRows(Message):
    subjects: list[SubjectRow]
    classes: list[ClassRow]
    meetings: list[MeetingRow]
    instructors: list[ClassInstructorRow]


class CoursesRows(Message):
    courses: list[CourseRow]
    general_education: list[CourseLabelRow]
    combined: list[CourseLabelRow]
    sections: list[SectionRow]
    section_meetings: list[SectionMeetingRow]


class OfferedRows(Message):
    courses: list[OfferedCourseRow]
    offerings: list[OfferingRow]


class LabelsRows(Message):
    labels: list[LabelRow]


class LocationsRows(Message):
    kinds: list[PlaceKindRow]
    places: list[PlaceRow]


Rows = TypeVar("Rows", bound=Message)


class Versioned(Message, Generic[Rows]):
    """`version` counts the document's changes from 1; `changed_at` is the last one's epoch second."""

    version: int
    changed_at: int
    rows: Rows


class Replace(Message, Generic[Rows]):
    """Replace one whole document. A digest (SHA-256, hex) equal to the stored one changes nothing."""

    digest: Digest
    rows: Rows


class ReplaceOfTerm(Replace[Rows], Generic[Rows]):
    term: TermCode


class ReplaceOfQuarter(Replace[Rows], Generic[Rows]):
    quarter: Quarter


class DocumentVersion(Message):
    """What is known of one document without reading it."""

    key: Key
    version: int
    changed_at: int
    digest: Digest


class Saved(Message):
    key: Key
    version: int
    changed: bool


class DocumentVersions(Message):
    documents: list[DocumentVersion]


class DocumentChanged(Message):
    key: Key
    version: int


class OfTerm(Message):
    code: TermCode


class OfQuarter(Message):
    quarter: Quarter


class OfKey(Message):
    key: Key


class SearchRows(Message):
    """Words are lower case; each must be found in the code, title, instructors or description."""

    words: Annotated[list[Annotated[str, Field(min_length=1, max_length=64)]], Field(max_length=8)]
    term: TermCode | None = None
    subject: Name | None = None
    general_education: Name | None = None
    limit: Annotated[int, Field(ge=1, le=SEARCH_LIMIT_MAX)] = SEARCH_LIMIT_DEFAULT


class Found(Message):
    classes: list[FoundRow]


class Search(Message):
    q: Annotated[str, Field(max_length=200)] = ""
    term: TermCode | None = None
    ge: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    subject: Annotated[str, Field(min_length=1, max_length=16)] | None = None
    limit: Annotated[int, Field(ge=1, le=SEARCH_LIMIT_MAX)] = SEARCH_LIMIT_DEFAULT


@with_config(STRICT)
class SearchResult(TypedDict):
    """A class as `terms/<code>` names its parts, with where to find it."""

    term: TermCode
    subject: Name
    c: Name
    s: Name
    n: Name
    num: int | None
    ins: list[Name]
    ge: list[Name]
    score: int


SearchResults = list[SearchResult]

# --- db-courses: rows -----------------------------------------------------------------------------------------

READ_TERMS = Action("db-courses.terms", Nothing, Versioned[TermsRows], safe=True)
READ_TERM = Action("db-courses.term", OfTerm, Versioned[TermRows], safe=True)
READ_COURSES = Action("db-courses.courses", OfTerm, Versioned[CoursesRows], safe=True)
READ_OFFERED = Action("db-courses.offered", OfQuarter, Versioned[OfferedRows], safe=True)
READ_GE = Action("db-courses.ge", Nothing, Versioned[LabelsRows], safe=True)
READ_RMP = Action("db-courses.rmp", Nothing, Versioned[LabelsRows], safe=True)
READ_SUBJECTS = Action("db-courses.subjects", Nothing, Versioned[LabelsRows], safe=True)
READ_LOCATIONS = Action("db-courses.locations", Nothing, Versioned[LocationsRows], safe=True)
READ_VERSIONS = Action("db-courses.versions", Nothing, DocumentVersions, safe=True)
READ_VERSION = Action("db-courses.version", OfKey, DocumentVersion, safe=True)
SEARCH_ROWS = Action("db-courses.search", SearchRows, Found, safe=True)

# Digests make a replacement harmless to repeat at once; its key makes that so even after somebody else's.
REPLACE_TERMS = Action("db-courses.replace-terms", Replace[TermsRows], Saved, safe=False, keyed=True)
REPLACE_TERM = Action("db-courses.replace-term", ReplaceOfTerm[TermRows], Saved, safe=False, keyed=True)
REPLACE_COURSES = Action("db-courses.replace-courses", ReplaceOfTerm[CoursesRows], Saved, safe=False, keyed=True)
REPLACE_OFFERED = Action("db-courses.replace-offered", ReplaceOfQuarter[OfferedRows], Saved, safe=False, keyed=True)
REPLACE_GE = Action("db-courses.replace-ge", Replace[LabelsRows], Saved, safe=False, keyed=True)
REPLACE_RMP = Action("db-courses.replace-rmp", Replace[LabelsRows], Saved, safe=False, keyed=True)
REPLACE_SUBJECTS = Action("db-courses.replace-subjects", Replace[LabelsRows], Saved, safe=False, keyed=True)
REPLACE_LOCATIONS = Action("db-courses.replace-locations", Replace[LocationsRows], Saved, safe=False, keyed=True)

ROWS_CHANGED = Event("db-courses.changed", DocumentChanged)
"""Told by a whirlpool after the commit."""

# --- courses: documents ---------------------------------------------------------------------------------------

TERMS = Action("courses.terms", Nothing, TermsDocument, safe=True)
TERM = Action("courses.term", OfTerm, TermDocument, safe=True)
COURSES = Action("courses.courses", OfTerm, CoursesDocument, safe=True)
OFFERED = Action("courses.offered", OfQuarter, OfferedDocument, safe=True)
SUBJECTS = Action("courses.subjects", Nothing, SubjectsDocument, safe=True)
GE = Action("courses.ge", Nothing, GeneralEducationDocument, safe=True)
RMP = Action("courses.rmp", Nothing, RatingsDocument, safe=True)
LOCATIONS = Action("courses.locations", Nothing, LocationsDocument, safe=True)
TIMESTAMP = Action("courses.timestamp", OfKey, int, safe=True)
SEARCH = Action("courses.search", Search, SearchResults, safe=True)

DOCUMENT_CHANGED = Event("courses.changed", DocumentChanged)
"""Told by a messier once it no longer answers the old document."""
