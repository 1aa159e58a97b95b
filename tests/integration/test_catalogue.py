"""A whole catalogue, from the archive through every tier and back out over HTTP, in each region."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from lab.trial import Trial
from tests.integration.source import Documents, load_catalogue

DATA = "/slugsurvival/data/fetch"
REGIONS = ("west", "central", "east")
RESIDENT_BYTES_MAX = 150 * 1024 * 1024


@pytest.fixture(scope="module")
def documents(regions: Trial) -> Documents:
    return load_catalogue(regions)


@pytest.fixture(scope="module", params=REGIONS)
def public(request: pytest.FixtureRequest, regions: Trial, documents: Documents) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=regions.region(request.param).public_url, timeout=30) as client:
        yield client


def strictly(value: Any) -> str:
    """Text that is equal only for equal documents: Python alone finds 1 == 1.0 == True."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def test_the_catalogue_has_documents_of_every_family(documents: Documents) -> None:
    assert {key.partition("/")[0] for key in documents} >= {"terms", "courses", "offered", "ge", "rmp", "locations"}


def test_every_document_comes_out_of_every_region_with_the_meaning_it_had(
    public: httpx.Client, documents: Documents
) -> None:
    for key, expected in documents.items():
        answer = public.get(f"{DATA}/{key}.json")
        assert answer.status_code == 200, (key, answer.text)
        assert strictly(answer.json()) == strictly(expected), key


def test_the_json_suffix_makes_no_difference(public: httpx.Client) -> None:
    assert public.get(f"{DATA}/terms").content == public.get(f"{DATA}/terms.json").content


def test_subjects_are_those_of_all_terms(public: httpx.Client, documents: Documents) -> None:
    expected = {subject for key, document in documents.items() if key.startswith("terms/") for subject in document}
    subjects = public.get(f"{DATA}/subjects").json()
    assert list(subjects) == sorted(expected)


def test_the_timestamp_of_a_document_is_a_bare_number(public: httpx.Client, documents: Documents) -> None:
    for key in documents:
        answer = public.get(f"{DATA}/timestamp/{key}")
        assert answer.status_code == 200, key
        assert int(answer.text) > 1_600_000_000


def test_a_search_ranks_the_course_of_that_code_first(public: httpx.Client, documents: Documents) -> None:
    newest = documents["terms"][0]["code"]
    subject, classes = next((subject, rows) for subject, rows in documents[f"terms/{newest}"].items() if rows)
    wanted = classes[0]["c"]
    found = public.get("/slugsurvival/data/search", params={"q": f"{subject} {wanted}", "term": newest}).json()
    assert (found[0]["subject"], found[0]["c"]) == (subject, wanted)


def test_answers_name_the_node_that_served_them(public: httpx.Client) -> None:
    assert public.get(f"{DATA}/terms").headers["X-Served-By"].startswith("andromeda-")


@pytest.mark.usefixtures("public")
def test_every_process_stays_small_with_the_whole_catalogue_served(regions: Trial) -> None:
    resident = {name: resident_bytes(regions.process_id(name)) for name in regions.programs(*TIERS)}
    assert max(resident.values()) < RESIDENT_BYTES_MAX, resident


TIERS = ("whirlpool", "messier", "andromeda")


def resident_bytes(process_id: int) -> int:
    for line in Path(f"/proc/{process_id}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"process {process_id} has no resident size")


@pytest.mark.usefixtures("documents")
def test_loading_the_same_catalogue_again_changes_nothing(regions: Trial) -> None:
    with httpx.Client(base_url=regions.region("west").public_url, timeout=30) as client:
        before = client.get(f"{DATA}/timestamp/terms").text
        load_catalogue(regions)
        assert client.get(f"{DATA}/timestamp/terms").text == before
