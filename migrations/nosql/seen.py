"""Which keys a scan has met, on disk, so that rows which the source no longer has can be found and removed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable

from migrations.nosql.cells import Cell


class Seen:
    def __init__(self) -> None:
        self._database = sqlite3.connect("")  # a temporary file, gone when it is closed
        self._database.execute("CREATE TABLE seen (key TEXT PRIMARY KEY) WITHOUT ROWID")

    def add(self, keys: Iterable[tuple[Cell, ...]]) -> None:
        self._database.executemany("INSERT OR IGNORE INTO seen VALUES (?)", ((json.dumps(key),) for key in keys))

    def unseen(self, keys: Iterable[tuple[Cell, ...]]) -> list[tuple[Cell, ...]]:
        question = "SELECT 1 FROM seen WHERE key = ?"
        return [key for key in keys if not self._database.execute(question, (json.dumps(key),)).fetchone()]

    def close(self) -> None:
        self._database.close()
