from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andromeda.query import search_request
from schema.courses import SEARCH_LIMIT_MAX, Search
from schema.errors import Invalid
from tests.andromeda.region import Region

SEARCH_PATH = "/slugsurvival/data/search"
WORDS = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=200)


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=x", "limit"),
        ("limit=0", "limit"),
        (f"limit={SEARCH_LIMIT_MAX + 1}", "limit"),
        ("limit=-1", "limit"),
        ("limit=1e1", "limit"),
        ("limit=%D9%A1", "limit"),
        ("limit=" + "9" * 5_000, "limit"),
        ("limit=5&limit=5", "limit"),
        ("term=abc", "term"),
        ("term=21689", "term"),
        ("term=2168%0A", "term"),
        ("q=" + "a" * 201, "q"),
        ("q=%ff", "q"),
        ("q=%00", "q"),
        ("q=a&q=b", "q"),
        ("ge=" + "a" * 65, "ge"),
        ("subject=" + "a" * 17, "subject"),
    ],
)
async def test_a_bad_parameter_is_named(steady: Region, query: str, parameter: str) -> None:
    response = await steady.http.get(f"{SEARCH_PATH}?{query}")
    assert response.status_code == 422
    error = response.json()["error"]
    assert (error["code"], error["parameter"]) == ("invalid", parameter)
    assert error["message"].startswith(f"{parameter}: ")


async def test_parameters_reach_the_service(west: Region) -> None:
    await west.http.get(f"{SEARCH_PATH}?q=linear+algebra&term=2168&ge=MF&subject=AMS&limit=5&utm_source=x")
    assert west.catalogue.searched == [Search(q="linear algebra", term="2168", ge="MF", subject="AMS", limit=5)]


async def test_the_same_search_in_other_words_is_answered_from_the_edge(west: Region) -> None:
    await west.http.get(f"{SEARCH_PATH}?q=a&limit=5")
    await west.http.get(f"{SEARCH_PATH}?x=1&limit=5&q=%61&term=")
    assert len(west.catalogue.searched) == 1


@given(WORDS, st.integers(1, SEARCH_LIMIT_MAX))
def test_what_was_encoded_comes_out_again(words: str, limit: int) -> None:
    assert search_request(urlencode({"q": words, "limit": limit}).encode()) == Search(q=words, limit=limit)


@given(st.binary(max_size=300))
def test_any_query_is_taken_or_refused(query: bytes) -> None:
    assert taken_or_blamed(query)


def taken_or_blamed(query: bytes) -> bool:
    try:
        return isinstance(search_request(query), Search)
    except Invalid as refused:
        return refused.data["parameter"] in Search.model_fields
