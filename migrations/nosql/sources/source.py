"""The seam between document stores and everything that is done with their documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

Document = Mapping[str, Any]
Position = int | str
"""How far a table has been read: a number of documents, or the last key as JSON. It outlives the process."""


class SourceBroken(ValueError):
    """The source is not what it should be; says in which file and at which byte."""

    def __init__(self, what: str, file: str, offset: int | None = None) -> None:
        super().__init__(f"{file}: {what}" if offset is None else f"{file}, byte {offset}: {what}")
        self.file = file
        self.offset = offset


class Entry(NamedTuple):
    position: Position
    """To be handed to `read(after=...)` by whoever has dealt with this document."""
    raw: bytes
    document: Document


@dataclass(frozen=True, slots=True)
class SourceIndex:
    name: str
    multi: bool = False
    geo: bool = False
    query: str = ""
    """The index function's text; the function itself is compiled and cannot be read."""


@dataclass(frozen=True, slots=True)
class SourceTable:
    name: str
    """As `database.table`."""
    key: str
    documents: int | None
    """None where counting would take a pass over a running server."""
    indexes: Sequence[SourceIndex] = field(default_factory=tuple)


class Source(Protocol):
    @property
    def name(self) -> str: ...

    def fingerprint(self) -> str:
        """Two sources with the same fingerprint have the same documents in the same order."""

    def tables(self) -> Sequence[SourceTable]:
        """Reads a stored source from end to end first, so that a damaged one is refused before anything is done."""

    def read(self, table: str, after: Position | None = None) -> Iterator[Entry]:
        """The documents of a table, always in the same order."""
