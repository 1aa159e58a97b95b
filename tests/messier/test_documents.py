"""Documents become rows and come out again: null, false, empty and missing stay four different things."""

from collections.abc import Callable
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from messier.courses_document import document_of_courses
from messier.replacements import digest_of, replacement_of
from messier.sample import sample_catalogue
from messier.small_documents import document_of_labels, document_of_locations, document_of_offered, document_of_terms
from messier.term_document import document_of_term, rows_of_term
from schema.action import Message
from tests.messier.documents import DOCUMENTS, classes, lists, mappings, names

COMPOSE: dict[str, Callable[[Any], Any]] = {
    "terms": document_of_terms,
    "terms/2168": document_of_term,
    "courses/2168": document_of_courses,
    "offered/fall": document_of_offered,
    "ge": document_of_labels,
    "rmp": document_of_labels,
    "subjects": document_of_labels,
    "locations": document_of_locations,
}


def rows_of(key: str, document: Any) -> Message:
    rows: Message = replacement_of(key, document).request.rows  # type: ignore[attr-defined]
    return rows


def through_json(rows: Message) -> Message:
    return type(rows).model_validate(orjson.loads(orjson.dumps(rows.model_dump())))


def shuffled(rows: Message, random: Random) -> Message:
    """The same rows as a store without any order of its own returns them."""
    return rows.model_copy(update={table: random.sample(each, len(each)) for table, each in rows})


@pytest.mark.parametrize("key", DOCUMENTS)
@given(data=st.data())
def test_document_comes_out_of_its_rows_as_it_went_in(key: str, data: st.DataObject) -> None:
    document = data.draw(DOCUMENTS[key])
    composed = COMPOSE[key](through_json(rows_of(key, document)))
    assert composed == document
    assert list(composed) == list(document)


@pytest.mark.parametrize("key", DOCUMENTS)
@given(data=st.data(), random=st.randoms(use_true_random=False))
def test_rows_may_come_in_any_order(key: str, data: st.DataObject, random: Random) -> None:
    document = data.draw(DOCUMENTS[key])
    composed = COMPOSE[key](shuffled(rows_of(key, document), random))
    assert composed == document
    assert list(composed) == list(document)


@pytest.mark.parametrize("key", [key for key in sample_catalogue() if key in COMPOSE])
def test_sample_comes_out_of_its_rows_as_it_went_in(key: str) -> None:
    document = sample_catalogue()[key]
    assert COMPOSE[key](through_json(rows_of(key, document))) == document


@given(mappings(names, lists(classes)), st.randoms(use_true_random=False))
def test_digest_ignores_the_order_of_keys_within_a_class(document: dict[str, list[Any]], random: Random) -> None:
    reordered = {
        subject: [dict(random.sample(list(each.items()), len(each))) for each in classes]
        for subject, classes in document.items()
    }
    assert digest_of(rows_of_term(reordered)) == digest_of(rows_of_term(document))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"AMS": []}, {}),
        ({"AMS": [], "ART": []}, {"ART": [], "AMS": []}),
    ],
)
def test_digest_differs_for_different_documents(one: Any, other: Any) -> None:
    assert digest_of(rows_of_term(one)) != digest_of(rows_of_term(other))


NOTHINGS: list[dict[str, Any]] = [
    {},
    {"cap": None},
    {"cap": ""},
    {"num": None},
    {"num": 0},
    {"dup": False},
    {"dup": True},
]


def test_digest_tells_every_kind_of_nothing_from_the_others() -> None:
    ordinary: dict[str, Any] = {"c": "1", "s": "01", "n": "Comets", "ins": {"d": []}, "loct": []}
    documents: list[Any] = [{"COMT": [ordinary | nothing]} for nothing in NOTHINGS]
    digests = {digest_of(rows_of_term(document)) for document in documents}
    assert len(digests) == len(NOTHINGS)
