"""The sample catalogue: the same for the same seed, in shape, and odd everywhere a real one is."""

from pathlib import Path

import pytest

from messier.catalogue import CatalogueDocument, read_catalogue
from messier.sample import TERMS, sample_catalogue, write_sample
from messier.sample_words import SUBJECT_WITHOUT_CLASSES, SUBJECTS
from schema.catalogue import Class

CODES = [term["code"] for term in TERMS]


def classes_of(code: str) -> list[Class]:
    return [each for classes in sample_catalogue()[f"terms/{code}"].values() for each in classes]


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.json")}


def test_same_seed_writes_the_same_files(tmp_path: Path) -> None:
    write_sample(tmp_path / "one", seed=5)
    write_sample(tmp_path / "two", seed=5)
    assert files_in(tmp_path / "one") == files_in(tmp_path / "two")


def test_another_seed_writes_another_catalogue() -> None:
    assert sample_catalogue(seed=5) != sample_catalogue(seed=6)


def test_every_file_is_a_document_in_shape(tmp_path: Path) -> None:
    written = write_sample(tmp_path)
    findings = list(read_catalogue(tmp_path))
    assert len(findings) == len(written)
    assert {finding.key: finding.content for finding in findings if isinstance(finding, CatalogueDocument)} == (
        sample_catalogue()
    )


@pytest.mark.parametrize("code", CODES)
def test_every_term_has_each_kind_of_meeting(code: str) -> None:
    meetings = [meeting for each in classes_of(code) for meeting in each["loct"]]
    times = [meeting.get("t", "missing") for meeting in meetings]
    assert {None, False, "missing"} <= {each for each in times if not isinstance(each, dict)}
    assert [] in [each["day"] for each in times if isinstance(each, dict)]
    assert "missing" in [meeting.get("loc", "missing") for meeting in meetings]


@pytest.mark.parametrize("code", CODES)
def test_every_term_has_each_kind_of_nothing(code: str) -> None:
    classes = classes_of(code)
    for key in ("num", "cap"):
        values = [each.get(key, "missing") for each in classes]
        assert None in values
        assert "missing" in values
    assert any("f" not in each["ins"] for each in classes)
    assert any(each["ins"].get("m", "") is None for each in classes)
    assert any(not each["ins"]["d"] for each in classes)
    assert any(not each["loct"] for each in classes)
    assert any(each.get("dup") for each in classes)


@pytest.mark.parametrize("code", CODES)
def test_every_term_leaves_the_basic_plane_and_has_an_empty_subject(code: str) -> None:
    assert any(ord(character) > 0xFFFF for each in classes_of(code) for character in each["n"])
    assert sample_catalogue()[f"terms/{code}"][SUBJECT_WITHOUT_CLASSES] == []


@pytest.mark.parametrize("code", CODES)
def test_some_courses_are_unknown_and_some_have_sections(code: str) -> None:
    courses = sample_catalogue()[f"courses/{code}"]
    assert False in courses.values()
    assert any(course and course["sec"] for course in courses.values())
    assert set(courses) <= {str(each.get("num")) for each in classes_of(code)}


def test_a_subject_may_have_no_name() -> None:
    assert None in SUBJECTS.values()
    assert {} in sample_catalogue()["offered/fall"].values()
