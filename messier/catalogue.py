"""A catalogue's files as documents: which file is which document, and what is wrong with those that are none.

Nothing here stops at a bad file. It becomes a finding that names the file and the place in it, and the rest goes on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import orjson
from pydantic import JsonValue, ValidationError

from messier.archive import FILE_BYTES_MAX, ArchivedFile, Unreadable, files
from messier.shape import first_fault
from schema.catalogue import DOCUMENTS

KEY = re.compile(
    r"terms|ge|rmp|subjects|locations|(?:terms|courses)/[0-9]{4}|offered/(?:spring|summer|fall|winter)", re.ASCII
)
FAMILIES = ("terms/", "courses/", "offered/")
SUFFIX = ".json"


@dataclass(frozen=True, slots=True)
class CatalogueDocument:
    name: str
    key: str
    content: JsonValue


@dataclass(frozen=True, slots=True)
class Malformed:
    """Looks like a document and is none; `reason` begins with the place."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """Not a catalogue's file at all."""

    name: str
    reason: str


Finding: TypeAlias = CatalogueDocument | Malformed | Ignored


def read_catalogue(path: Path) -> Iterator[Finding]:
    """Raises `Unreadable` only if there is nothing to read at all; an archive that breaks off is a finding."""
    seen: set[str] = set()
    found_any = False
    try:
        for file in files(path):
            found_any = True
            finding = _examine(file, seen)
            if isinstance(finding, CatalogueDocument):
                seen.add(finding.key)
            yield finding
    except Unreadable as error:
        if not found_any:
            raise
        yield Malformed(path.name, str(error))


def key_of(name: str) -> str | None:
    """The document that a file of this name holds. One folder around the whole catalogue is all right."""
    name = name.removeprefix("./")
    if not name.endswith(SUFFIX):
        return None
    key = name.removesuffix(SUFFIX)
    if not KEY.fullmatch(key) and not key.startswith(FAMILIES):
        key = key.partition("/")[2]
    return key if KEY.fullmatch(key) else None


def _examine(file: ArchivedFile, seen: set[str]) -> Finding:
    name = _printable(file.name)
    key = key_of(file.name)
    if key is None:
        return Ignored(name, "not a file of a catalogue")
    if not file.regular:
        return Malformed(name, "a link, encrypted, or not a regular file")
    if file.size_bytes > FILE_BYTES_MAX:
        return Malformed(name, f"{file.size_bytes} bytes, more than {FILE_BYTES_MAX}")
    if key in seen:
        return Malformed(name, f"a second file of {key}")
    try:
        return _parse(name, key, file.read())
    except Unreadable as error:
        return Malformed(name, str(error))


def _parse(name: str, key: str, text: bytes) -> Finding:
    try:
        content: JsonValue = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return Malformed(name, f"line {error.lineno}, column {error.colno}: {error.msg}")
    folder, slash, _ = key.partition("/")
    try:
        DOCUMENTS[folder + slash].validate_python(content, strict=True)
    except ValidationError as error:
        return Malformed(name, first_fault(content, error))
    return CatalogueDocument(name, key, content)


def _printable(name: str) -> str:
    """A terminal must not obey a file's name."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in name)
