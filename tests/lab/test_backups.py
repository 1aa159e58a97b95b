"""Backups as such, and those of embedded storage."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from lab.backups import embedded
from lab.backups.making import BackupExists, backups_folder, make
from lab.backups.manifest import BadBackup, read_manifest, verify
from lab.backups.restoring import restore
from lab.catalogue import record_path
from lab.command import CommandFailed
from lab.laboratory import Laboratory
from lab.regions import regions_of

MIDNIGHT = 1_475_280_000.0
NAME = "2016-10-01T000000Z"


def laboratory_at(state: Path, *, embedded: bool = True) -> Laboratory:
    laboratory = Laboratory(state, regions_of(), embedded)
    laboratory.storage.mkdir(parents=True)
    return laboratory


def write(laboratory: Laboratory, *statements: str) -> None:
    with closing(sqlite3.connect(laboratory.sqlite_file)) as connection, connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE IF NOT EXISTS kept (value INTEGER PRIMARY KEY, word TEXT)")
        for statement in statements:
            connection.execute(statement)


def kept(laboratory: Laboratory) -> list[tuple[int, str]]:
    with closing(sqlite3.connect(laboratory.sqlite_file)) as connection:
        return connection.execute("SELECT value, word FROM kept ORDER BY value").fetchall()


@pytest.fixture
def laboratory(tmp_path: Path) -> Laboratory:
    laboratory = laboratory_at(tmp_path / "state")
    write(laboratory, "INSERT INTO kept VALUES (1, 'one')")
    record_path(laboratory).write_text('{"of": "one"}')
    return laboratory


@pytest.fixture
def backup(laboratory: Laboratory) -> Path:
    return make(laboratory, backups_folder(laboratory), MIDNIGHT)


def test_a_backup_is_named_by_its_time_and_is_its_owners(laboratory: Laboratory, backup: Path) -> None:
    assert backup == laboratory.state / "backups" / NAME
    assert backup.stat().st_mode & 0o777 == 0o700


def test_a_backup_tells_what_it_is_of(laboratory: Laboratory, backup: Path) -> None:
    manifest = verify(backup)

    assert manifest.source == str(laboratory.sqlite_file)
    assert set(manifest.tables) == {"kept"}
    assert set(manifest.files) == {"data/localgroup.db", "catalogue.json"}


def test_nothing_is_overwritten(laboratory: Laboratory, backup: Path) -> None:
    write(laboratory, "INSERT INTO kept VALUES (2, 'two')")
    before = (backup / "manifest.json").read_bytes()

    with pytest.raises(BackupExists):
        make(laboratory, backups_folder(laboratory), MIDNIGHT)

    assert (backup / "manifest.json").read_bytes() == before


def test_of_a_backup_that_failed_nothing_is_left(tmp_path: Path) -> None:
    laboratory = laboratory_at(tmp_path)

    with pytest.raises(CommandFailed, match="no database"):
        make(laboratory, backups_folder(laboratory), MIDNIGHT)

    assert list(backups_folder(laboratory).iterdir()) == []


def test_a_database_that_is_not_sound_makes_no_backup(laboratory: Laboratory) -> None:
    write(laboratory, "CREATE INDEX words ON kept (word)", "PRAGMA writable_schema = ON")
    write(laboratory, "INSERT INTO kept VALUES (2, 'two')")
    with closing(sqlite3.connect(laboratory.sqlite_file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = laboratory.sqlite_file.read_bytes()
    at = content.rindex(b"two")
    laboratory.sqlite_file.write_bytes(content[:at] + b"six" + content[at + 3 :])

    with pytest.raises(CommandFailed, match="not sound"):
        make(laboratory, backups_folder(laboratory), MIDNIGHT)


def test_a_restored_database_is_as_it_was(laboratory: Laboratory, backup: Path) -> None:
    write(laboratory, "INSERT INTO kept VALUES (2, 'two')")
    record_path(laboratory).write_text('{"of": "two"}')

    restore(laboratory, backup, MIDNIGHT)

    assert kept(laboratory) == [(1, "one")]
    assert embedded.examine(laboratory.sqlite_file)[1] == read_manifest(backup).tables
    assert record_path(laboratory).read_text() == '{"of": "one"}'


def test_what_was_there_before_a_restore_is_moved_aside(laboratory: Laboratory, backup: Path) -> None:
    write(laboratory, "INSERT INTO kept VALUES (2, 'two')")

    moved = restore(laboratory, backup, MIDNIGHT)

    assert moved == laboratory.state / "set-aside" / NAME
    assert kept(Laboratory(moved, laboratory.regions, embedded=True)) == [(1, "one"), (2, "two")]


def test_restores_where_nothing_was(tmp_path: Path, laboratory: Laboratory, backup: Path) -> None:
    other = Laboratory(tmp_path / "other", regions_of(), embedded=True)

    assert restore(other, backup, MIDNIGHT) is None
    assert kept(other) == [(1, "one")]


@pytest.mark.parametrize("change", ["changed", "removed", "added"])
def test_a_damaged_backup_is_not_restored(laboratory: Laboratory, backup: Path, change: str) -> None:
    file = backup / "data" / "localgroup.db"
    match change:
        case "changed":
            file.write_bytes(file.read_bytes()[:-1] + b"!")
        case "removed":
            file.unlink()
        case "added":
            (backup / "data" / "stray").touch()
    write(laboratory, "INSERT INTO kept VALUES (2, 'two')")

    with pytest.raises(BadBackup, match="damaged"):
        restore(laboratory, backup, MIDNIGHT)

    assert kept(laboratory) == [(1, "one"), (2, "two")]


def test_what_is_not_a_backup_is_not_restored(laboratory: Laboratory, tmp_path: Path) -> None:
    with pytest.raises(BadBackup, match="not a backup"):
        restore(laboratory, tmp_path, MIDNIGHT)


def test_a_backup_of_embedded_storage_is_not_put_into_a_cluster(tmp_path: Path, backup: Path) -> None:
    with pytest.raises(BadBackup, match="of embedded storage"):
        restore(laboratory_at(tmp_path / "cluster", embedded=False), backup, MIDNIGHT)


def test_a_copy_made_while_somebody_writes_is_of_one_moment(laboratory: Laboratory, tmp_path: Path) -> None:
    """Pairs are written together; a page more is filled between any two steps of a copy."""
    write(laboratory, "CREATE TABLE pairs (half TEXT, filler TEXT)")
    with closing(sqlite3.connect(laboratory.sqlite_file)) as writer:

        def pair(*_: object) -> None:
            with writer:
                writer.executemany("INSERT INTO pairs VALUES (?, ?)", [("left", "x" * 4000), ("right", "x" * 4000)])

        for _ in range(20):
            pair()
        embedded.copy(laboratory.sqlite_file, tmp_path / "copy.db")
        pair()
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        assert dict(copy.execute("SELECT half, COUNT(*) FROM pairs GROUP BY half")) == {"left": 20, "right": 20}
