"""What became of one request, as its user saw it, one JSON object a line.

Times are seconds of the monotonic clock, which is one for all processes of a machine: faults are told in the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

import orjson

Kind: TypeAlias = Literal["browser", "plain"]

OK, STALE = "ok", "stale"
ANSWERED = frozenset({OK, STALE})
"""A stale answer says that it is."""
REFUSED, UNREACHED, RESET, SILENT, UNRESOLVED = "refused", "unreached", "reset", "silent", "unresolved"
"""Nobody listens there; no connection came about in time; it ended before the answer did; no answer came in time; the
name had no address. Other outcomes are HTTP's, such as `status_503`."""


class Try(NamedTuple):
    """One address that was asked, and when."""

    address: str
    at: float


class Record(NamedTuple):
    group: str
    kind: Kind
    write: bool
    begun: float
    ended: float
    outcome: str
    tries: tuple[Try, ...]
    key: str = ""
    """Of a write."""

    @property
    def answered(self) -> bool:
        return self.outcome in ANSWERED

    @property
    def seconds(self) -> float:
        return self.ended - self.begun


TRIES_AT = Record._fields.index("tries")


def line(record: Record) -> bytes:
    told = (*record[:TRIES_AT], [tuple(each) for each in record.tries], record.key)
    return orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE)


class Reader:
    """Of a file that is being written: each time what has come since, without a line that is not complete yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0
        self._read: list[Record] = []

    def records(self) -> list[Record]:
        """All that there are so far, in the order of their ends."""
        with self._path.open("rb") as file:
            file.seek(self._at)
            complete, newline, _ = file.read().rpartition(b"\n")
        self._at += len(complete) + len(newline)
        self._read += map(record_of, complete.splitlines())
        return self._read


def record_of(text: bytes) -> Record:
    group, kind, write, begun, ended, outcome, tries, key = orjson.loads(text)
    return Record(group, kind, write, begun, ended, outcome, tuple(Try(*each) for each in tries), key)
