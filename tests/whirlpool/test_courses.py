"""What `db-courses` promises, on every store."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from messier.replacements import replacement_of
from schema.action import Action, Message, Nothing
from schema.courses import (
    READ_COURSES,
    READ_GE,
    READ_LOCATIONS,
    READ_OFFERED,
    READ_RMP,
    READ_SUBJECTS,
    READ_TERM,
    READ_TERMS,
    READ_VERSION,
    READ_VERSIONS,
    REPLACE_COURSES,
    REPLACE_GE,
    REPLACE_SUBJECTS,
    REPLACE_TERM,
    DocumentChanged,
    OfKey,
    OfQuarter,
    OfTerm,
    Saved,
    Versioned,
)
from schema.errors import Invalid, NotFound
from schema.tables import texts
from tests.messier.documents import DOCUMENTS
from tests.waiting import eventually
from tests.whirlpool.catalogue import (
    a_class,
    a_course,
    a_term,
    labels,
    replace_courses,
    replace_labels,
    replace_term,
    some_courses,
)
from tests.whirlpool.conftest import Store, soon
from whirlpool import course_reads, course_writes, documents
from whirlpool.transactions import Database

READS: dict[str, tuple[Action[Any, Any], Message]] = {
    "terms": (READ_TERMS, Nothing()),
    "terms/2168": (READ_TERM, OfTerm(code="2168")),
    "courses/2168": (READ_COURSES, OfTerm(code="2168")),
    "offered/fall": (READ_OFFERED, OfQuarter(quarter="fall")),
    "ge": (READ_GE, Nothing()),
    "rmp": (READ_RMP, Nothing()),
    "locations": (READ_LOCATIONS, Nothing()),
}
ROUND_TRIPS = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def in_order(rows: Message) -> dict[str, list[Any]]:
    """In an order that no number's spelling has a part in: 0.0 and -0.0 mean the same."""

    def key(row: dict[str, Any]) -> str:
        return str([(name, value) for name, value in sorted(row.items()) if not isinstance(value, float)])

    return {name: sorted(part, key=key) for name, part in rows.model_dump().items()}


async def survives(store: Store, key: str, document: Any) -> None:
    replacement = replacement_of(key, document)
    await store.client.call(replacement.action, replacement.request)
    action, request = READS[key]
    read = await store.client.call(action, request)
    assert in_order(read.rows) == in_order(replacement.request.rows)  # type: ignore[attr-defined]


def distinct_codes(terms: list[dict[str, Any]]) -> bool:
    return len({term["code"] for term in terms}) == len(terms)


@ROUND_TRIPS
@given(document=DOCUMENTS["terms"].filter(distinct_codes))
async def test_terms_come_out_as_they_went_in(store: Store, document: Any) -> None:
    await survives(store, "terms", document)


@ROUND_TRIPS
@given(document=DOCUMENTS["terms/2168"])
@example({"ART": [], "art": [], "ART ": [], "": [], "\uff21rt": [], "A\u0301": [], "\u00c1": []})
async def test_a_term_comes_out_as_it_went_in(store: Store, document: Any) -> None:
    await survives(store, "terms/2168", document)


@ROUND_TRIPS
@given(document=DOCUMENTS["courses/2168"])
async def test_courses_come_out_as_they_went_in(store: Store, document: Any) -> None:
    await survives(store, "courses/2168", document)


@ROUND_TRIPS
@given(document=DOCUMENTS["offered/fall"])
@example({"AMS 5": {"2004": 1}, "ams 5": {"2004": 2}, "AMS 5 ": {"2004": 3}, "": {}})
async def test_offerings_come_out_as_they_went_in(store: Store, document: Any) -> None:
    await survives(store, "offered/fall", document)


@ROUND_TRIPS
@given(key=st.sampled_from(["ge", "rmp"]), document=DOCUMENTS["ge"])
@example("ge", {"MF": "Math", "mf": "", "MF ": " ", "😀": "\U0001f469\u200d\U0001f52c", "%_\\'\"": "\x00"})
async def test_labels_come_out_as_they_went_in(store: Store, key: str, document: Any) -> None:
    await survives(store, key, document)


@ROUND_TRIPS
@given(document=DOCUMENTS["locations"])
@example({"Café": [{"lat": 36.9980721, "lon": -122.0629715, "label": "a"}], "café": [], "Cafe": []})
async def test_locations_come_out_as_they_went_in(store: Store, document: Any) -> None:
    await survives(store, "locations", document)


@pytest.mark.parametrize("key", [*READS, "subjects"])
async def test_a_document_that_was_never_written_is_not_found(store: Store, key: str) -> None:
    action, request = READS.get(key, (READ_SUBJECTS, Nothing()))
    with pytest.raises(NotFound):
        await store.client.call(action, request)
    with pytest.raises(NotFound):
        await store.client.call(READ_VERSION, OfKey(key=key))


async def test_an_empty_document_is_not_a_missing_one(store: Store) -> None:
    await store.client.call(REPLACE_GE, replace_labels(labels()))
    assert (await store.client.call(READ_GE, Nothing())).rows.labels == []


async def test_a_replacement_leaves_nothing_of_the_old_rows(store: Store) -> None:
    old = a_term(*(a_class(position, "MATH", str(position)) for position in range(5)), instructors=("Noether,E",))
    new = a_term(a_class(0, "AMS", "5"))
    for rows in (old, new):
        await store.client.call(REPLACE_TERM, replace_term("2168", rows))
    assert (await store.client.call(READ_TERM, OfTerm(code="2168"))).rows == new


async def test_a_replacement_leaves_other_terms_alone(store: Store) -> None:
    fall, winter = a_term(a_class(0, "MATH", "3")), a_term(a_class(0, "AMS", "5"))
    await store.client.call(REPLACE_TERM, replace_term("2168", fall))
    await store.client.call(REPLACE_TERM, replace_term("2170", winter))
    assert (await store.client.call(READ_TERM, OfTerm(code="2168"))).rows == fall


async def test_versions_count_changes_and_are_told_with_them(store: Store) -> None:
    for version, name in enumerate(("Mathematics", "Numbers"), start=1):
        saved = await store.client.call(REPLACE_GE, replace_labels(labels(MF=name)))
        assert saved == Saved(key="ge", version=version, changed=True)
        assert (await store.client.call(READ_GE, Nothing())).version == version
    await eventually(lambda: len(store.heard) == 2)
    assert store.heard == [DocumentChanged(key="ge", version=1), DocumentChanged(key="ge", version=2)]


async def test_the_same_digest_changes_nothing_and_tells_nothing(store: Store) -> None:
    request = replace_labels(labels(MF="Mathematics"))
    await store.client.call(REPLACE_GE, request)
    await eventually(lambda: store.heard)
    store.clock.epoch_seconds += 60
    before = await store.client.call(READ_VERSION, OfKey(key="ge"))
    assert await store.client.call(REPLACE_GE, request) == Saved(key="ge", version=1, changed=False)
    assert await store.client.call(READ_VERSION, OfKey(key="ge")) == before
    await store.client.call(REPLACE_GE, replace_labels(labels(MF="Numbers")))
    await eventually(lambda: len(store.heard) == 2)
    assert store.heard[-1].version == 2


async def test_the_time_of_change_moves_with_every_change_even_within_a_second(store: Store) -> None:
    times = []
    for name in ("One", "Two", "Three"):
        await store.client.call(REPLACE_GE, replace_labels(labels(MF=name)))
        times.append((await store.client.call(READ_GE, Nothing())).changed_at)
    now = store.clock.epoch_seconds
    assert times == [now, now + 1, now + 2]
    store.clock.epoch_seconds += 3600
    await store.client.call(REPLACE_GE, replace_labels(labels(MF="Four")))
    assert (await store.client.call(READ_GE, Nothing())).changed_at == now + 3600


async def test_all_versions_are_listed_by_key(store: Store) -> None:
    await store.client.call(REPLACE_TERM, replace_term("2168", a_term(a_class(0, "AMS", "5"))))
    await store.client.call(REPLACE_GE, replace_labels(labels(MF="Mathematics")))
    listed = (await store.client.call(READ_VERSIONS, Nothing())).documents
    assert [document.key for document in listed] == ["ge", "subjects", "terms/2168"]
    assert listed[0] == await store.client.call(READ_VERSION, OfKey(key="ge"))


async def test_rows_that_contradict_each_other_are_refused_and_change_nothing(store: Store) -> None:
    kept = a_term(a_class(0, "MATH", "3"))
    await store.client.call(REPLACE_TERM, replace_term("2168", kept))
    for refused in (
        a_term(a_class(0, "AMS", "5"), a_class(0, "AMS", "6")),
        a_term(a_class(0, "AMS", "5"), instructors=("Noether,E", "of no class")),
        kept.model_copy(update={"subjects": []}),
    ):
        with pytest.raises(Invalid):
            await store.client.call(REPLACE_TERM, replace_term("2168", refused))
    read = await store.client.call(READ_TERM, OfTerm(code="2168"))
    assert (read.version, read.rows) == (1, kept)


async def test_a_number_too_large_for_its_column_is_refused(database: Database) -> None:
    rows = a_term(a_class(0, "AMS", "5", number=2**70))
    with pytest.raises(Invalid):
        await database.write(lambda connection: course_writes.replace_term(connection, "2168", rows), soon())


async def test_many_rows_come_out_as_they_went_in(store: Store) -> None:
    rows = a_term(
        *(a_class(position, f"S{position % 70}", str(position)) for position in range(2_000)),
        instructors=tuple(f"Name,{position}" for position in range(2_000)),
    )
    await store.client.call(REPLACE_TERM, replace_term("2168", rows))
    assert (await store.client.call(READ_TERM, OfTerm(code="2168"))).rows == rows


async def test_the_same_long_text_is_kept_once_and_serves_many_courses(store: Store, database: Database) -> None:
    text = "Ω" * 16_000
    courses = [a_course(number, text, position=number) for number in range(1, 4)]
    for term in ("2168", "2170"):
        await store.client.call(REPLACE_COURSES, replace_courses(term, some_courses(*courses)))
    read = await store.client.call(READ_COURSES, OfTerm(code="2170"))
    assert [row["description"] for row in read.rows.courses] == [text] * 3
    assert await database.read(count_of_texts, soon()) == 1


async def count_of_texts(connection: Any) -> int:
    return int(await connection.scalar(select(func.count()).select_from(texts)))


async def subjects_of(store: Store) -> tuple[int, dict[str, str | None]]:
    read: Versioned[Any] = await store.client.call(READ_SUBJECTS, Nothing())
    assert [row["position"] for row in read.rows.labels] == list(range(len(read.rows.labels)))
    return read.version, {row["code"]: row["label"] for row in read.rows.labels}


async def test_subjects_are_those_that_terms_list_in_the_order_of_their_codes(store: Store) -> None:
    await store.client.call(REPLACE_TERM, replace_term("2168", a_term(subjects=("MATH", "AMS", "ams", "AMS "))))
    assert await subjects_of(store) == (1, dict.fromkeys(("AMS", "AMS ", "MATH", "ams")))
    await eventually(lambda: len(store.heard) == 2)
    assert DocumentChanged(key="subjects", version=1) in store.heard


async def test_subjects_change_only_with_a_new_one(store: Store) -> None:
    await store.client.call(REPLACE_TERM, replace_term("2168", a_term(subjects=("MATH", "AMS"))))
    await store.client.call(REPLACE_TERM, replace_term("2170", a_term(subjects=("AMS",))))
    assert (await subjects_of(store))[0] == 1
    await store.client.call(REPLACE_TERM, replace_term("2172", a_term(subjects=("AMS", "ART"))))
    assert await subjects_of(store) == (2, dict.fromkeys(("AMS", "ART", "MATH")))


async def test_a_subject_that_no_term_lists_any_more_stays_known(store: Store) -> None:
    await store.client.call(REPLACE_TERM, replace_term("2168", a_term(subjects=("MATH", "AMS"))))
    await store.client.call(REPLACE_TERM, replace_term("2168", a_term(subjects=("AMS",))))
    assert (await subjects_of(store))[1] == dict.fromkeys(("AMS", "MATH"))


async def test_named_subjects_keep_their_names_when_terms_bring_new_ones(store: Store) -> None:
    await store.client.call(REPLACE_SUBJECTS, replace_labels(labels(AMS="Statistics", ZOO="Animals")))
    await store.client.call(REPLACE_TERM, replace_term("2168", a_term(subjects=("MATH", "AMS"))))
    assert await subjects_of(store) == (2, {"AMS": "Statistics", "MATH": None, "ZOO": "Animals"})


async def test_naming_subjects_drops_none_that_a_term_lists(store: Store) -> None:
    await store.client.call(REPLACE_SUBJECTS, replace_labels(labels(AMS="Statistics", ZOO="Animals")))
    await store.client.call(REPLACE_TERM, replace_term("2168", a_term(subjects=("MATH", "AMS"))))
    await store.client.call(REPLACE_SUBJECTS, replace_labels(labels(MATH="Mathematics")))
    assert await subjects_of(store) == (3, {"AMS": None, "MATH": "Mathematics"})


async def test_a_reader_sees_one_snapshot_while_the_document_is_replaced(
    store: Store, database: Database, other_region: Database
) -> None:
    old, new = a_term(a_class(0, "MATH", "3")), a_term(a_class(0, "AMS", "5"))
    await store.client.call(REPLACE_TERM, replace_term("2168", old))

    async def read_around_a_change(connection: Any) -> tuple[int, Any]:
        version = await documents.read_version(connection, "terms/2168")
        await store.client.call(REPLACE_TERM, replace_term("2168", new))
        return version.version, await course_reads.read_term(connection, "2168")

    version, rows = await other_region.read(read_around_a_change, soon())
    assert (version, rows["classes"]) == (1, old.classes)
    read = await store.client.call(READ_TERM, OfTerm(code="2168"))
    assert (read.version, read.rows) == (2, new)


async def test_regions_that_replace_one_document_at_once_end_in_one_of_theirs_whole(
    store: Store, database: Database, other_region: Database
) -> None:
    versions_of_it = [
        a_term(*(a_class(position, f"S{region}", str(position)) for position in range(50))) for region in range(6)
    ]

    async def replace(database: Database, number: int) -> None:
        rows = versions_of_it[number]

        async def unit(connection: Any) -> None:
            assert (await documents.claim(connection, "terms/2168", f"{number:064x}", 1)).changed
            await course_writes.replace_term(connection, "2168", rows)

        await database.write(unit, soon())

    regions = (database, other_region)
    await asyncio.gather(*(replace(regions[number % 2], number) for number in range(len(versions_of_it))))
    read = await store.client.call(READ_TERM, OfTerm(code="2168"))
    assert read.version == len(versions_of_it)
    assert read.rows in versions_of_it
