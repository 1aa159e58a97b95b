"""A catalogue comes from a stranger: every archive reads alike, and what is wrong is named and left out."""

import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messier import archive
from messier.archive import Unreadable, count_files
from messier.catalogue import CatalogueDocument, Finding, Ignored, Malformed, key_of, read_catalogue
from messier.sample import sample_catalogue, write_sample

Files = Mapping[str, bytes]


def write_folder(path: Path, files: Files) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def write_zip(path: Path, files: Files) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in files.items():
            target.writestr(name, content)
    return path


def write_tar(path: Path, files: Files, mode: str = "w") -> Path:
    with tarfile.open(path, mode) as target:  # type: ignore[call-overload]
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            target.addfile(member, io.BytesIO(content))
    return path


FORMATS: dict[str, Callable[[Path, Files], Path]] = {
    "folder": write_folder,
    "catalogue.zip": write_zip,
    "catalogue.tar": write_tar,
    "catalogue.tar.gz": lambda path, files: write_tar(path, files, "w:gz"),
    "catalogue.tar.xz": lambda path, files: write_tar(path, files, "w:xz"),
    "catalogue.tar.bz2": lambda path, files: write_tar(path, files, "w:bz2"),
}


def only(findings: list[Finding]) -> Finding:
    (finding,) = findings
    return finding


def found_in(tmp_path: Path, name: str, content: bytes) -> Finding:
    return only(list(read_catalogue(write_folder(tmp_path / "folder", {name: content}))))


@pytest.mark.parametrize("name", FORMATS)
def test_every_kind_of_archive_holds_the_same_documents(tmp_path: Path, name: str) -> None:
    written = write_sample(tmp_path / "sample")
    files = {path.relative_to(tmp_path / "sample").as_posix(): path.read_bytes() for path in written}
    path = FORMATS[name](tmp_path / name, files)
    documents = {
        finding.key: finding.content for finding in read_catalogue(path) if isinstance(finding, CatalogueDocument)
    }
    assert documents == sample_catalogue()
    assert count_files(path) == len(files)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("terms.json", "terms"),
        ("./terms/2168.json", "terms/2168"),
        ("catalogue/terms/2168.json", "terms/2168"),
        ("catalogue/ge.json", "ge"),
        ("offered/fall.json", "offered/fall"),
        ("offered/ge.json", None),
        ("terms/terms.json", None),
        ("a/b/terms.json", None),
        ("../terms.json", "terms"),
        ("/terms.json", "terms"),
        ("terms/../../../etc/passwd.json", None),
        ("terms/21680.json", None),
        ("terms/２１６８.json", None),  # noqa: RUF001 (other digits than ASCII's)
        ("terms", None),
        ("README.md", None),
    ],
)
def test_a_file_s_name_says_which_document_it_holds(name: str, key: str | None) -> None:
    assert key_of(name) == key


@given(st.text(max_size=40))
def test_any_name_is_a_document_s_or_nobody_s(name: str) -> None:
    assert key_of(name) is None or name.endswith(".json")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"AMS": [\n  {"c": }]}', "line 2, column 9: "),
        (b'{"AMS": []}}', "line 1, column 12: "),
        (b"", "line 1, column 1: "),
        (b'{"AMS": [{"c": NaN}]}', "line 1, column 16: "),
        (b'{"AMS": ["\xff\xfe"]}', "line 1, column "),
        (b"[" * 100_000, "line 1, column "),
    ],
)
def test_malformed_json_is_named_by_line_and_column(tmp_path: Path, content: bytes, reason: str) -> None:
    finding = found_in(tmp_path, "terms/2168.json", content)
    assert isinstance(finding, Malformed)
    assert finding.name == "terms/2168.json"
    assert finding.reason.startswith(reason)


def test_document_out_of_shape_is_named_by_its_place(tmp_path: Path) -> None:
    finding = found_in(tmp_path, "terms/2168.json", b'{"AMS": [7]}')
    assert finding == Malformed("terms/2168.json", "AMS[0]: should be a dictionary")


def test_other_files_are_ignored_and_named(tmp_path: Path) -> None:
    assert found_in(tmp_path, "notes.txt", b"") == Ignored("notes.txt", "not a file of a catalogue")


def test_second_file_of_a_document_is_left_out(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "two.zip", {"terms.json": b"[]", "other/terms.json": b"[]"})
    first, second = read_catalogue(path)
    assert first == CatalogueDocument("terms.json", "terms", [])
    assert second == Malformed("other/terms.json", "a second file of terms")


def test_broken_file_does_not_stand_in_the_way_of_a_good_one_of_the_same_document(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "two.zip", {"terms.json": b"[", "other/terms.json": b"[]"})
    assert [type(finding) for finding in read_catalogue(path)] == [Malformed, CatalogueDocument]


def test_link_in_a_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text('{"A": "B"}')
    folder = write_folder(tmp_path / "folder", {})
    folder.mkdir()
    (folder / "ge.json").symlink_to(tmp_path / "secret.json")
    assert isinstance(only(list(read_catalogue(folder))), Malformed)


def test_link_in_an_archive_is_not_followed(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "links.tar", "w") as target:
        link = tarfile.TarInfo("ge.json")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        target.addfile(link)
    assert isinstance(only(list(read_catalogue(tmp_path / "links.tar"))), Malformed)


def test_file_too_large_is_left_out_without_being_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("messier.catalogue.FILE_BYTES_MAX", 10)
    finding = found_in(tmp_path, "ge.json", b'{"A":"a long name"}')
    assert finding == Malformed("ge.json", "19 bytes, more than 10")


def test_archive_that_never_ends_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "FILES_MAX", 1)
    findings = list(read_catalogue(write_folder(tmp_path / "many", {"ge.json": b"{}", "rmp.json": b"{}"})))
    assert isinstance(findings[0], CatalogueDocument)
    assert isinstance(findings[1], Malformed)


@pytest.mark.parametrize("name", ["catalogue.tar.xz", "catalogue.tar.gz", "catalogue.tar"])
def test_archive_that_breaks_off_gives_what_came_before(tmp_path: Path, name: str) -> None:
    path = FORMATS[name](
        tmp_path / name, {"ge.json": b"{}", "rmp.json": bytes(Path(archive.__file__).read_bytes() * 40)}
    )
    path.write_bytes(path.read_bytes()[: -path.stat().st_size // 2])
    findings = list(read_catalogue(path))
    assert count_files(path) >= 1
    assert findings[0] == CatalogueDocument("ge.json", "ge", {})
    assert any(isinstance(finding, Malformed) and name in finding.name + finding.reason for finding in findings)


@pytest.mark.parametrize("content", [b"", b"this is no archive", b"PK\x03\x04broken"])
def test_file_that_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "catalogue.tar.xz"
    path.write_bytes(content)
    with pytest.raises(Unreadable, match=r"catalogue\.tar\.xz"):
        list(read_catalogue(path))


def test_missing_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="nowhere"):
        list(read_catalogue(tmp_path / "nowhere"))


def test_terminal_does_not_obey_a_file_s_name(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "names.tar", {"\x1b[2J\udcff.txt": b""})
    assert only(list(read_catalogue(path))).name == r"\x1b[2J\udcff.txt"


@given(st.binary(max_size=300))
def test_any_bytes_are_an_archive_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "archive"
    path.write_bytes(content)
    try:
        list(read_catalogue(path))
    except Unreadable:
        return
