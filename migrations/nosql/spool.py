"""Changes that wait while a table is copied: on disk, because nobody knows how many there will be."""

from __future__ import annotations

import tempfile
from threading import Lock
from typing import Any, NamedTuple

import orjson


class Change(NamedTuple):
    arrived: float
    old: dict[str, Any] | None
    new: dict[str, Any] | None


class Spool:
    """First in, first out; one thread puts in, another takes out."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="localgroup-changes-")  # noqa: SIM115 (closed by `close`)
        self._lock = Lock()
        self._read = self._written = self._next = 0
        self._oldest: float | None = None

    def put(self, change: Change) -> None:
        with self._lock:
            self._file.seek(self._written)
            self._written += self._file.write(orjson.dumps(tuple(change)) + b"\n")
            self._oldest = self._oldest or change.arrived

    def take(self, most: int) -> list[Change]:
        """Some of the oldest; they stay the oldest until `done`."""
        with self._lock:
            self._file.seek(self._read)
            lines = [line for line in (self._file.readline() for _ in range(most)) if line]
            self._next = self._read + sum(map(len, lines))
        return [Change(*orjson.loads(line)) for line in lines]

    def done(self) -> None:
        with self._lock:
            self._read = self._next
            if self._read == self._written:
                self._file.truncate(0)
                self._read = self._written = 0
                self._oldest = None
            else:
                self._file.seek(self._read)
                self._oldest = Change(*orjson.loads(self._file.readline())).arrived

    def age(self, now: float) -> float:
        """Of the oldest change; 0 where none waits."""
        with self._lock:
            return 0.0 if self._oldest is None else now - self._oldest

    def close(self) -> None:
        self._file.close()
