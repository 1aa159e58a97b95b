"""Says where and why a document is not in shape, in the document's own terms: `AMS[3].cap: should be a string`.

The validator names the branches of unions among the keys of a place; those that the document does not have are left
out. Of a union's several complaints the one that got furthest into the document is the one meant.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

from pydantic import JsonValue, ValidationError
from pydantic_core import ErrorDetails

Place: TypeAlias = tuple[str | int, ...]

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SUBJECT_OF_MESSAGE = re.compile(r"^(Input|String|List|Dictionary|Value) should ")
KEY_MARK = "[key]"
OWN_WORDS = {"missing": "is missing", "extra_forbidden": "is not part of the format"}
PLACE_LENGTH_MAX = 200
"""Enough to find it; a document's keys may be of any length."""


def first_fault(document: JsonValue, error: ValidationError) -> str:
    faults = [(_place_of(document, fault), fault) for fault in error.errors(include_url=False, include_input=False)]
    first, _ = faults[0]
    place, fault = max((each for each in faults if _begins_with(each[0], first)), key=lambda each: len(each[0]))
    return f"{_printed(place)}: {_reason(fault)}"


def _begins_with(place: Place, start: Place) -> bool:
    return place[: len(start)] == start


def _place_of(document: JsonValue, fault: ErrorDetails) -> Place:
    place: list[str | int] = []
    here = document
    for part in fault["loc"]:
        match here, part:
            case dict(), str() if part in here:
                here = here[part]
            case list(), int() if part < len(here):
                here = here[part]
            case _:
                continue
        place.append(part)
    if fault["type"] == "missing":
        place.append(fault["loc"][-1])
    return tuple(place)


def _printed(place: Sequence[str | int]) -> str:
    text = "".join(_step(part) for part in place).removeprefix(".")
    return text[:PLACE_LENGTH_MAX] or "the document"


def _step(part: str | int) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    return f".{part}" if NAME.fullmatch(part) else f"[{part!r}]"


def _reason(fault: ErrorDetails) -> str:
    message = (
        SUBJECT_OF_MESSAGE.sub("should ", fault["msg"])
        .replace("a valid integer", "an integer")
        .replace("a valid ", "a ")
    )
    subject = "as a key, it " if fault["loc"] and fault["loc"][-1] == KEY_MARK else ""
    return subject + OWN_WORDS.get(fault["type"], message)
