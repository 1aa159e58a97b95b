"""The oddities of real classes, each as a change to an ordinary one."""

from __future__ import annotations

from collections.abc import Callable

from messier.sample_words import EXOTIC_TITLE
from schema.catalogue import Class


def ordinary(each: Class) -> None:
    """Most classes are."""


def _without_number(each: Class) -> None:
    each["num"] = None


def _number_missing(each: Class) -> None:
    del each["num"]


def _without_capacity(each: Class) -> None:
    each["cap"] = None
    each["ins"] = {"d": ["Staff"]}


def _capacity_missing(each: Class) -> None:
    del each["cap"]


def _without_instructor(each: Class) -> None:
    each["ins"] = {"d": [], "f": None, "l": "", "m": None}


def _two_instructors(each: Class) -> None:
    each["ins"]["d"].append("Staff")


def _duplicate(each: Class) -> None:
    each["dup"] = True


def _to_be_announced(each: Class) -> None:
    each["loct"] = [{"t": None, "loc": None}]


def _cancelled(each: Class) -> None:
    each["loct"] = [{"t": False, "loc": "Cancelled"}]


def _tentative(each: Class) -> None:
    each["loct"] = [{"t": {"day": [], "time": {"start": "00:00", "end": "00:00"}}, "loc": ""}]


def _place_missing(each: Class) -> None:
    del each["loct"][0]["loc"]


def _times_missing(each: Class) -> None:
    del each["loct"][0]["t"]


def _meets_twice(each: Class) -> None:
    each["loct"].append({"t": None, "loc": each["loct"][0]["loc"]})


def _never_meets(each: Class) -> None:
    each["loct"] = []


def _exotic_title(each: Class) -> None:
    each["n"] = EXOTIC_TITLE


ODDITIES: tuple[Callable[[Class], None], ...] = (
    _without_number,
    _number_missing,
    _without_capacity,
    _capacity_missing,
    _without_instructor,
    _two_instructors,
    _duplicate,
    _to_be_announced,
    _cancelled,
    _tentative,
    _place_missing,
    _times_missing,
    _meets_twice,
    _never_meets,
    _exotic_title,
)
