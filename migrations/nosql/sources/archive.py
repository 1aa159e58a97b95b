"""A dump as `rethinkdb dump` writes it: one .tar.gz, read as a stream, never unpacked.

The archive has no directory at its end, and a table's `.json` may come before the `.info` that names its key. So it is
read once from end to end before anything is believed of it: that pass counts the documents, finds damage wherever it
is, and takes the fingerprint. Each reading of a table is then a pass of its own.
"""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import IO, cast

from migrations.nosql.sources.documents import documents
from migrations.nosql.sources.source import Entry, Position, SourceBroken, SourceTable
from migrations.nosql.sources.table_info import DEFAULT_KEY, read_info

INFO_BYTES = 16 * 1024 * 1024
"""A table's `.info` is a few kilobytes."""
DRAIN_BYTES = 1024 * 1024


class Archive:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name

    def fingerprint(self) -> str:
        digest = hashlib.sha256()
        with self.path.open("rb") as content:
            while chunk := content.read(DRAIN_BYTES):
                digest.update(chunk)
        return digest.hexdigest()

    def tables(self) -> Sequence[SourceTable]:
        return self._tables

    def read(self, table: str, after: Position | None = None) -> Iterator[Entry]:
        done = int(after or 0)
        with self._opened() as compressed:
            for member, content in _members(compressed):
                if member.suffix == ".json" and _table_name(member) == table:
                    for number, found in enumerate(documents(content, self._place(member)), 1):
                        if number > done:
                            yield Entry(number, found.raw, found.document)
                    return

    @cached_property
    def _tables(self) -> tuple[SourceTable, ...]:
        counts: dict[str, int] = {}
        described: dict[str, SourceTable] = {}
        with self._opened() as compressed:
            for member, content in _members(compressed):
                name, place = _table_name(member), self._place(member)
                if member.suffix == ".json":
                    if name in counts:
                        raise SourceBroken("this table is in the archive twice", place)
                    counts[name] = sum(1 for _ in documents(content, place))
                elif member.suffix == ".info":
                    described[name] = read_info(name, content.read(INFO_BYTES), place)
        if not counts:
            raise SourceBroken(
                "there is no table in this archive; a dump has <folder>/<database>/<table>.json", self.name
            )
        return tuple(_counted(name, described.get(name), number) for name, number in sorted(counts.items()))

    @contextmanager
    def _opened(self) -> Iterator[IO[bytes]]:
        with self.path.open("rb") as compressed:
            try:
                yield compressed
            except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
                what = f"damaged, or no .tar.gz at all: {error}".rstrip(": ")
                raise SourceBroken(what, self.name, compressed.tell()) from error

    def _place(self, member: PurePosixPath) -> str:
        return f"{self.name}: {member}"


def _members(compressed: IO[bytes]) -> Iterator[tuple[PurePosixPath, IO[bytes]]]:
    plain = gzip.GzipFile(fileobj=compressed)
    with tarfile.open(fileobj=plain, mode="r|") as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isfile() else None
            if content is not None:
                yield PurePosixPath(member.name), content
    while plain.read(DRAIN_BYTES):
        """The checksum is at the end."""


def _table_name(member: PurePosixPath) -> str:
    return ".".join((*member.parts[-2:-1], member.stem))


def _counted(name: str, described: SourceTable | None, number: int) -> SourceTable:
    if described is None:
        return SourceTable(name, DEFAULT_KEY, number)
    return SourceTable(name, described.key, number, described.indexes)


def open_plain(path: Path) -> IO[bytes]:
    """A file of documents, compressed or not."""
    return cast("IO[bytes]", gzip.open(path)) if path.suffix == ".gz" else path.open("rb")
