"""A fault in a document is named with its place, in the document's own terms."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from messier.shape import first_fault
from schema.catalogue import DOCUMENTS

CLASS: dict[str, Any] = {"c": "1", "s": "01", "n": "Comets", "num": 1, "cap": "1", "ins": {"d": []}, "loct": []}
COURSE: dict[str, Any] = {"ty": "", "cr": "", "ge": [], "desc": "", "re": None, "com": [], "sec": []}


def fault_in(family: str, document: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        DOCUMENTS[family].validate_python(document, strict=True)
    return first_fault(document, caught.value)


@pytest.mark.parametrize(
    ("family", "document", "fault"),
    [
        ("terms/", {"AMS": [CLASS, CLASS, CLASS, CLASS | {"cap": 5}]}, "AMS[3].cap: should be a string"),
        ("terms/", {"AMS": [CLASS | {"num": "5"}]}, "AMS[0].num: should be an integer"),
        ("terms/", {"AMS": [{"c": "1"}]}, "AMS[0].s: is missing"),
        ("terms/", {"AMS": [CLASS | {"color": 1}]}, "AMS[0].color: is not part of the format"),
        ("terms/", {"AMS 5": {}}, "['AMS 5']: should be a list"),
        ("terms/", [], "the document: should be a dictionary"),
        ("terms", [{"code": "2168", "name": "", "date": {"start": ""}}], "[0].date.end: is missing"),
        ("courses/", {"1": COURSE, "2": COURSE | {"re": 1}}, "['2'].re: should be a string"),
        ("courses/", {"1": True}, "['1']: should be a dictionary"),
        ("ge", {"A": None}, "A: should be a string"),
        ("offered/", {"AMS 5": {"2016": "1"}}, "['AMS 5']['2016']: should be an integer"),
    ],
)
def test_names_the_place_and_the_reason(family: str, document: Any, fault: str) -> None:
    assert fault_in(family, document) == fault


def test_of_a_meeting_that_is_neither_times_nor_nothing_the_deepest_place_is_named() -> None:
    times = {"day": ["Monday", "Someday"], "time": {"start": "09:00", "end": "10:00"}}
    fault = fault_in("terms/", {"AMS": [CLASS | {"loct": [{"t": times, "loc": None}]}]})
    assert fault.startswith("AMS[0].loct[0].t.day[1]: should be 'Monday'")


def test_a_bad_key_is_called_a_key() -> None:
    fault = fault_in("courses/", {"017": False})
    assert fault.startswith("['017']: as a key, it should match pattern")


def test_the_first_fault_is_named_although_a_later_one_lies_deeper() -> None:
    document = {"AMS": [CLASS | {"cap": 5}, CLASS | {"ins": {"d": [5]}}]}
    assert fault_in("terms/", document).startswith("AMS[0].cap: ")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(DOCUMENTS)), json_values)
def test_any_fault_can_be_named(family: str, document: Any) -> None:
    try:
        DOCUMENTS[family].validate_python(document, strict=True)
    except ValidationError as error:
        fault = first_fault(document, error)
    else:
        fault = "the document: is in shape"
    assert ": " in fault
