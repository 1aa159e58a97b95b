"""Null, false, empty and missing are four different things in a document."""

from typing import Any

import pytest
from pydantic import ValidationError

from schema.catalogue import DOCUMENTS


def a_class(**changes: Any) -> dict[str, Any]:
    return {
        "c": "10E",
        "s": "01",
        "n": "Statistics",
        "num": 21304,
        "cap": "200",
        "ins": {"d": ["Doe,J."], "f": "Jane", "l": "Doe", "m": None},
        "loct": [{"t": {"day": ["Tuesday"], "time": {"start": "09:50", "end": "11:25"}}, "loc": "Hall 1"}],
        **changes,
    }


ODDITIES = [
    a_class(num=None),
    a_class(cap=None, ins={"d": ["Staff"]}),
    a_class(loct=[]),
    a_class(loct=[{"t": None, "loc": None}]),
    a_class(loct=[{"t": False, "loc": ""}]),
    a_class(loct=[{"loc": "Hall 1"}, {}]),
    a_class(loct=[{"t": {"day": [], "time": {"start": "00:00", "end": "00:00"}}, "loc": None}]),
    a_class(dup=True),
    a_class(n="naïve \U0001f600"),
]


@pytest.mark.parametrize("odd", ODDITIES)
def test_an_oddity_of_the_real_catalogue_is_kept_as_it_is(odd: dict[str, Any]) -> None:
    document = {"AMS": [odd], "EMPTY": []}
    assert DOCUMENTS["terms/"].validate_python(document) == document


def test_a_course_whose_details_are_false_is_kept() -> None:
    assert DOCUMENTS["courses/"].validate_python({"21304": False}) == {"21304": False}


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"cap": 200}, ("AMS", 0, "cap")),
        ({"num": "21304"}, ("AMS", 0, "num")),
        ({"surprise": 1}, ("AMS", 0, "surprise")),
        ({"ins": {}}, ("AMS", 0, "ins", "d")),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(change: dict[str, Any], place: tuple[str | int, ...]) -> None:
    with pytest.raises(ValidationError) as refused:
        DOCUMENTS["terms/"].validate_python({"AMS": [a_class(**change)]})
    assert refused.value.errors()[0]["loc"] == place


def test_a_number_in_quotes_is_no_number() -> None:
    with pytest.raises(ValidationError):
        DOCUMENTS["offered/"].validate_python({"AMS 5": {"2016": "1"}})
