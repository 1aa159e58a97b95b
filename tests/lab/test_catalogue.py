from pathlib import Path

import pytest

from lab import catalogue
from lab.catalogue import Loaded, fingerprint, record, to_load
from lab.laboratory import Laboratory
from lab.regions import regions_of


@pytest.fixture
def laboratory(tmp_path: Path) -> Laboratory:
    found = Laboratory(tmp_path / "state", regions_of(), embedded=True)
    found.storage.mkdir(parents=True)
    return found


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "catalogue.tar.xz"
    path.write_bytes(b"terms")
    return path


def loaded(path: Path, *, complete: bool = True) -> Loaded:
    return Loaded(str(path), fingerprint(path), complete)


def test_what_is_given_is_loaded(laboratory: Laboratory, archive: Path) -> None:
    assert to_load(laboratory, archive) == archive


def test_what_was_loaded_is_not_loaded_again(laboratory: Laboratory, archive: Path) -> None:
    record(laboratory, loaded(archive))

    assert to_load(laboratory, archive) is None


def test_a_catalogue_that_changed_is_loaded_again(laboratory: Laboratory, archive: Path) -> None:
    record(laboratory, loaded(archive))
    archive.write_bytes(b"more terms")

    assert to_load(laboratory, archive) == archive


def test_a_file_that_is_new_in_a_folder_changes_it(tmp_path: Path) -> None:
    before = fingerprint(tmp_path)
    (tmp_path / "terms.json").write_text("[]")

    assert fingerprint(tmp_path) != before


def test_the_sample_never_replaces_a_catalogue(laboratory: Laboratory, archive: Path) -> None:
    record(laboratory, loaded(archive))

    assert to_load(laboratory, None) is None


def test_an_interrupted_load_is_taken_up_again(laboratory: Laboratory, archive: Path) -> None:
    record(laboratory, loaded(archive, complete=False))

    assert to_load(laboratory, None) == archive
    assert to_load(laboratory, archive) == archive


def test_an_empty_laboratory_serves_the_sample(laboratory: Laboratory) -> None:
    folder = to_load(laboratory, None)

    assert folder is not None
    assert (folder / "terms.json").exists()


def test_a_load_that_failed_is_not_taken_for_complete(laboratory: Laboratory, tmp_path: Path) -> None:
    nobody_listens = Laboratory(laboratory.state, regions_of("127.77.39.1"), embedded=True)
    (tmp_path / "broken.tar.xz").write_bytes(b"no archive")

    with pytest.raises(catalogue.LoadFailed, match=r"broken\.tar\.xz"):
        catalogue.load(nobody_listens, tmp_path / "broken.tar.xz")

    assert to_load(nobody_listens, None) == tmp_path / "broken.tar.xz"
