"""A folder of documents: an unpacked dump, or files of JSON and NDJSON, also MongoDB's extended JSON, each a table."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from migrations.nosql.sources.archive import DRAIN_BYTES, INFO_BYTES, open_plain
from migrations.nosql.sources.documents import documents
from migrations.nosql.sources.extended_json import plain
from migrations.nosql.sources.source import Entry, Position, SourceBroken, SourceTable
from migrations.nosql.sources.table_info import DEFAULT_KEY, MONGODB_KEY, read_info, read_metadata

ENDINGS = (".json", ".ndjson", ".jsonl")
METADATA = ".metadata.json"


class Folder:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name

    def fingerprint(self) -> str:
        digest = hashlib.sha256()
        for path in self._files.values():
            digest.update(f"{path.relative_to(self.path)} {path.stat().st_size}\n".encode())
            with path.open("rb") as content:
                while chunk := content.read(DRAIN_BYTES):
                    digest.update(chunk)
        return digest.hexdigest()

    def tables(self) -> Sequence[SourceTable]:
        return self._tables

    def read(self, table: str, after: Position | None = None) -> Iterator[Entry]:
        done = int(after or 0)
        path = self._files[table]
        with open_plain(path) as content:
            try:
                for number, found in enumerate(documents(content, self._place(path)), 1):
                    if number > done:
                        yield Entry(number, found.raw, plain(found.document))
            except (EOFError, OSError) as error:
                raise SourceBroken(f"cannot be read: {error}", self._place(path)) from error

    @cached_property
    def _files(self) -> dict[str, Path]:
        files: dict[str, Path] = {}
        for path in sorted(self.path.rglob("*")):
            if not path.is_file() or path.name.endswith(METADATA) or _ending(path) not in ENDINGS:
                continue
            if (name := self._table_name(path)) in files:
                raise SourceBroken(f"this is table {name}, and so is {files[name].name}", self._place(path))
            files[name] = path
        if not files:
            raise SourceBroken(f"no file in this folder ends in {', '.join(ENDINGS)}", str(self.path))
        return files

    @cached_property
    def _tables(self) -> tuple[SourceTable, ...]:
        return tuple(self._described(name, path) for name, path in self._files.items())

    def _described(self, name: str, path: Path) -> SourceTable:
        entries = self.read(name)
        first = next(entries, None)
        count = sum(1 for _ in entries) + (first is not None)
        said = self._said(name, path)
        key = said.key if said else MONGODB_KEY if first and MONGODB_KEY in first.document else DEFAULT_KEY
        return SourceTable(name, key, count, said.indexes if said else ())

    def _said(self, name: str, path: Path) -> SourceTable | None:
        for ending, read in ((".info", read_info), (METADATA, read_metadata)):
            beside = path.with_name(_stem(path) + ending)
            if beside.is_file():
                with beside.open("rb") as content:
                    return read(name, content.read(INFO_BYTES), self._place(beside))
        return None

    def _table_name(self, path: Path) -> str:
        return ".".join((*path.relative_to(self.path).parts[-2:-1], _stem(path)))

    def _place(self, path: Path) -> str:
        return f"{self.name}/{path.relative_to(self.path)}"


def _ending(path: Path) -> str:
    return path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(_ending(path))
