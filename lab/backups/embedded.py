"""A backup of embedded storage: SQLite copies its own file page by page, and starts over when somebody writes."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from lab.command import CommandFailed

BUSY_SECONDS = 30


def copy(source: Path, target: Path) -> None:
    """A consistent one, of one moment, while others read and write."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with closing(_open(source)) as from_, closing(sqlite3.connect(target)) as to:
        from_.backup(to)
        to.execute("PRAGMA journal_mode=DELETE")  # one file, and no log beside it


def examine(file: Path) -> tuple[str, dict[str, str]]:
    """SQLite's version and a checksum of each table. Raises CommandFailed if the file is not sound."""
    with closing(_open(file)) as connection:
        ((said,),) = connection.execute("PRAGMA integrity_check").fetchmany(1)
        if said != "ok":
            raise CommandFailed(f"the backup is not sound: {said}")
        return sqlite3.sqlite_version, {name: _checksum(connection, name) for name in _tables(connection)}


def _tables(connection: sqlite3.Connection) -> Iterator[str]:
    found = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
    )
    return (str(name) for (name,) in found.fetchall())


def _checksum(connection: sqlite3.Connection, table: str) -> str:
    seen = hashlib.sha256()
    columns = len(connection.execute(f'SELECT * FROM "{table}" LIMIT 0').description)  # noqa: S608 (a table's own name)
    order = ", ".join(map(str, range(1, columns + 1)))
    for row in connection.execute(f'SELECT * FROM "{table}" ORDER BY {order}'):  # noqa: S608
        seen.update(repr(row).encode())
    return seen.hexdigest()


def _open(file: Path) -> sqlite3.Connection:
    """Raises CommandFailed where there is none, instead of making one."""
    if not file.exists():
        raise CommandFailed(f"there is no database at {file}")
    return sqlite3.connect(file, timeout=BUSY_SECONDS)
