from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andromeda.conditional import digest, entity_tag, matches

OPAQUE = st.text(st.characters(codec="latin-1", exclude_characters='"\x7f', min_codepoint=0x21), max_size=20)
TAG = '"abc"'


@pytest.mark.parametrize(
    "header",
    [
        '"abc"',
        'W/"abc"',
        "*",
        " * ",
        '"x", "abc"',
        '"x","abc"',
        'W/"x" ,\tW/"abc"',
        ', "abc"',
        '"abc",',
        '"a,b", "abc"',
    ],
)
def test_a_tag_that_the_client_has_matches(header: str) -> None:
    assert matches(header, TAG)


@pytest.mark.parametrize(
    "header",
    ["", "abc", '"abcd"', '"ab"', '"x" "abc"', '"abc" garbage', 'w/"abc"', '"abc', "**", '*, "abc"', '"x\x00", "abc"'],
)
def test_any_other_header_gets_the_body(header: str) -> None:
    assert not matches(header, TAG)


@given(st.lists(OPAQUE, max_size=5), OPAQUE, st.booleans())
def test_a_list_matches_exactly_its_members(others: list[str], own: str, present: bool) -> None:
    tags = [f'"{other}"' for other in others if other != own] + [f'W/"{own}"'] * present
    assert matches(", ".join(tags), f'"{own}"') is present


@given(st.text(max_size=300))
def test_no_header_breaks_the_comparison(header: str) -> None:
    assert matches(header, TAG) in (True, False)


@given(st.binary(), st.binary())
def test_tags_differ_when_bodies_or_codings_do(one: bytes, other: bytes) -> None:
    assert (digest(one) == digest(other)) is (one == other)
    assert len({entity_tag(digest(one), coding) for coding in ("identity", "gzip", "zstd")}) == 3
