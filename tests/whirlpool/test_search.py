from __future__ import annotations

from typing import Any

import pytest

from schema.courses import REPLACE_COURSES, REPLACE_TERM, SEARCH_ROWS, FoundRow, SearchRows, TermRows
from tests.whirlpool.catalogue import a_class, a_course, a_term, replace_courses, replace_term, some_courses
from tests.whirlpool.conftest import Store


async def keep(store: Store, rows: TermRows, term: str = "2168") -> None:
    await store.client.call(REPLACE_TERM, replace_term(term, rows))


async def search(store: Store, *words: str, **filters: Any) -> list[FoundRow]:
    return (await store.client.call(SEARCH_ROWS, SearchRows(words=list(words), **filters))).classes


async def codes(store: Store, *words: str, **filters: Any) -> list[str]:
    return [f"{row['subject']} {row['course']}" for row in await search(store, *words, **filters)]


async def test_an_exact_code_comes_before_a_longer_one_and_before_all_else(store: Store) -> None:
    await keep(
        store,
        a_term(
            a_class(0, "ART", "1", "AMS 5 in pictures"),
            a_class(1, "AMS", "50"),
            a_class(2, "AMS", "5"),
            a_class(3, "AMS", "5B"),
            a_class(4, "AMS", "7"),
        ),
    )
    assert await codes(store, "ams", "5") == ["AMS 5", "AMS 50", "AMS 5B", "ART 1"]


async def test_a_code_may_be_written_as_one_word(store: Store) -> None:
    await keep(store, a_term(a_class(0, "AMS", "50"), a_class(1, "AMS", "5"), a_class(2, "MATH", "5")))
    assert await codes(store, "ams5") == ["AMS 5", "AMS 50"]


async def test_a_word_of_a_title_counts_more_than_a_part_of_one(store: Store) -> None:
    await keep(
        store,
        a_term(
            a_class(0, "HIS", "1", "Partial Histories"),
            a_class(1, "HIS", "2", "A Work of Art"),
            a_class(2, "HIS", "3", "Art"),
            a_class(3, "HIS", "4", "Music"),
        ),
    )
    assert await codes(store, "art") == ["HIS 2", "HIS 3", "HIS 1"]


async def test_instructors_are_found_by_each_of_their_names_and_as_printed(store: Store) -> None:
    rows = a_term(
        a_class(0, "MATH", "1", first_name="Emmy", last_name="Noether"),
        a_class(1, "MATH", "2", last_name="Gauß"),
        instructors=("Noether,E.", "Hilbert,D."),
    )
    await keep(store, rows)
    assert await codes(store, "emmy") == await codes(store, "noether,e.") == await codes(store, "NOETHER".lower())
    assert await codes(store, "noether") == ["MATH 1"]
    assert await codes(store, "hilbert") == await codes(store, "gauß") == ["MATH 2"]


async def test_descriptions_are_searched_last(store: Store) -> None:
    await keep(
        store,
        a_term(
            a_class(0, "BIO", "1", number=11),
            a_class(1, "BIO", "2", "Whales", number=12),
            a_class(2, "BIO", "3", last_name="Whales", number=None),
        ),
    )
    described = some_courses(a_course(11, "Of WHALES and men."), a_course(12, "Nothing more.", position=1))
    await store.client.call(REPLACE_COURSES, replace_courses("2168", described))
    assert await codes(store, "whales") == ["BIO 2", "BIO 3", "BIO 1"]


@pytest.mark.parametrize("courses_first", [True, False])
async def test_descriptions_are_found_whichever_document_came_first(store: Store, courses_first: bool) -> None:
    described = replace_courses("2168", some_courses(a_course(11, "Of whales.")))
    if courses_first:
        await store.client.call(REPLACE_COURSES, described)
    await keep(store, a_term(a_class(0, "BIO", "1", number=11)))
    if not courses_first:
        await store.client.call(REPLACE_COURSES, described)
    assert await codes(store, "whales") == ["BIO 1"]


async def test_every_word_must_be_found_somewhere(store: Store) -> None:
    await keep(
        store,
        a_term(
            a_class(0, "MATH", "11A", "Calculus", last_name="Noether"),
            a_class(1, "MATH", "11B", "Calculus", last_name="Hilbert"),
        ),
    )
    assert await codes(store, "noether", "calculus", "math") == ["MATH 11A"]
    assert await codes(store, "noether", "algebra") == []


async def test_equals_come_newest_term_first_and_then_in_the_order_of_their_document(store: Store) -> None:
    classes = (a_class(0, "AMS", "7", section="02"), a_class(1, "AMS", "7", section="01"))
    for term in ("2048", "2168", "2110"):
        await keep(store, a_term(*classes), term)
    found = [(row["term"], row["section"]) for row in await search(store, "ams")]
    assert found == [(term, section) for term in ("2168", "2110", "2048") for section in ("02", "01")]


@pytest.mark.parametrize("sign", ["%", "_", "/", "\\", "'", '"', "*", "?"])
async def test_no_sign_stands_for_another(store: Store, sign: str) -> None:
    await keep(store, a_term(a_class(0, "AMS", "5", "Plain"), a_class(1, "ART", "6", f"With {sign} inside")))
    assert await codes(store, sign) == ["ART 6"]


async def test_letters_of_every_script_are_found_in_lower_case(store: Store) -> None:
    await keep(store, a_term(a_class(0, "SPAN", "1", "El Niño ÁRBOL Ωmega 😀")))
    for word in ("niño", "árbol", "ωmega", "😀"):
        assert await codes(store, word) == ["SPAN 1"]
    assert await codes(store, "nino") == []


async def test_filters_by_term_subject_and_general_education(store: Store) -> None:
    rows = a_term(a_class(0, "AMS", "5", number=11), a_class(1, "ams", "5", number=12), a_class(2, "AMS", "6"))
    for term in ("2168", "2110"):
        await keep(store, rows, term)
    labelled = some_courses(
        a_course(11), a_course(12, position=1), general_education=((11, "MF"), (11, "SR"), (12, "MF"))
    )
    await store.client.call(REPLACE_COURSES, replace_courses("2168", labelled))
    assert await codes(store, "5", term="2110") == ["AMS 5", "ams 5"]
    assert await codes(store, "5", term="2110", subject="ams") == ["ams 5"]
    found = await search(store, general_education="MF")
    assert [(row["term"], row["subject"], row["general_education"]) for row in found] == [
        ("2168", "AMS", ["MF", "SR"]),
        ("2168", "ams", ["MF"]),
    ]
    assert await codes(store, "5", general_education="SR", term="2168", subject="AMS") == ["AMS 5"]
    assert await codes(store, general_education="mf") == []


async def test_without_words_and_filters_the_newest_classes_are_listed(store: Store) -> None:
    for term in ("2048", "2168"):
        await keep(store, a_term(a_class(0, "AMS", "5"), a_class(1, "AMS", "6")), term)
    found = await search(store, limit=3)
    assert [(row["term"], row["course"], row["score"]) for row in found] == [
        ("2168", "5", 0),
        ("2168", "6", 0),
        ("2048", "5", 0),
    ]


async def test_no_more_than_the_limit_is_found(store: Store) -> None:
    await keep(store, a_term(*(a_class(position, "AMS", str(position)) for position in range(150))))
    assert len(await search(store, "ams", limit=100)) == 100
    assert len(await search(store, "ams", limit=1)) == 1


async def test_what_is_found_carries_what_the_class_says(store: Store) -> None:
    row = a_class(0, "AMS", "5", "Statistics", section="02", number=21_304, last_name="Noether")
    instructors = (
        {"class_position": 0, "position": 0, "name": "Noether,E."},
        {"class_position": 0, "position": 1, "name": "Gauß,C.F."},
    )
    rows = TermRows(subjects=a_term(row).subjects, classes=[row], meetings=[], instructors=list(instructors))  # type: ignore[arg-type]
    await keep(store, rows)
    assert await search(store, "statistics") == [
        {
            "term": "2168",
            "subject": "AMS",
            "course": "5",
            "section": "02",
            "title": "Statistics",
            "number": 21_304,
            "instructors": ["Noether,E.", "Gauß,C.F."],
            "general_education": [],
            "score": 40,
        }
    ]


async def test_a_replaced_term_is_found_by_its_new_words_only(store: Store) -> None:
    await keep(store, a_term(a_class(0, "AMS", "5", "Statistics")))
    await keep(store, a_term(a_class(0, "AMS", "5", "Probability")))
    assert await codes(store, "statistics") == []
    assert await codes(store, "probability") == ["AMS 5"]
