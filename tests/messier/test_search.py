"""What a user types, and what a search answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messier.search import WORD_LENGTH_MAX, WORDS_MAX, results_of, rows_request
from schema.courses import Found, FoundRow, Search
from schema.errors import Invalid


def test_words_are_lower_case_and_each_is_asked_once() -> None:
    assert rows_request(Search(q="  Dust AND dust\tGas ")).words == ["dust", "and", "gas"]


def test_filters_keep_their_meaning() -> None:
    rows = rows_request(Search(q="", term="2168", ge="QR", subject="DUST", limit=7))
    assert (rows.words, rows.term, rows.general_education, rows.subject, rows.limit) == ([], "2168", "QR", "DUST", 7)


@pytest.mark.parametrize("filters", [{"term": "2168"}, {"ge": "QR"}, {"subject": "DUST"}])
def test_one_filter_is_enough(filters: dict[str, str]) -> None:
    assert rows_request(Search.model_validate(filters)).words == []


@pytest.mark.parametrize(
    "q",
    ["", " \t ", " ".join(f"w{n}" for n in range(WORDS_MAX + 1)), "x" * (WORD_LENGTH_MAX + 1)],
    ids=["empty", "blank", "too many words", "too long a word"],
)
def test_refuses_what_cannot_be_searched_and_names_the_parameter(q: str) -> None:
    with pytest.raises(Invalid) as caught:
        rows_request(Search(q=q))
    assert caught.value.message.startswith("q: ")


@given(st.text(max_size=200))
def test_any_text_is_either_words_or_refused(q: str) -> None:
    try:
        rows = rows_request(Search(q=q))
    except Invalid:
        return
    assert rows.words
    assert all(word and not any(character.isspace() for character in word) for word in rows.words)


def test_result_has_the_names_of_the_public_documents() -> None:
    row = FoundRow(
        term="2168",
        subject="DUST",
        course="11A",
        section="01",
        title="Dust",
        number=None,
        instructors=["Vega,A."],
        general_education=["QR"],
        score=9,
    )
    assert results_of(Found(classes=[row])) == [
        {
            "term": "2168",
            "subject": "DUST",
            "c": "11A",
            "s": "01",
            "n": "Dust",
            "num": None,
            "ins": ["Vega,A."],
            "ge": ["QR"],
            "score": 9,
        }
    ]
