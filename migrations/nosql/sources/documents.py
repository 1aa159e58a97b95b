"""Documents out of a file, one at a time: a list as RethinkDB dumps it, any other JSON list, or one document a line.

A dump has one document a line, so a line that is a document by itself is taken as one. Whatever is not (pretty printed,
all in one line) is cut where its braces close. Memory is bounded by the largest document, never by the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO, NamedTuple

from migrations.nosql.sources.json_values import parse
from migrations.nosql.sources.source import Document, SourceBroken

CHUNK_BYTES = 256 * 1024
LINE_BYTES = 1024 * 1024
"""A longer line may hold a whole file."""
DOCUMENT_BYTES = 64 * 1024 * 1024
"""Four times what MongoDB allows; a longer document is a damaged file."""
SHOWN_BYTES = 24

SPACE = b" \t\r\n"
BETWEEN = re.compile(rb"[ \t\r\n]*")
STRUCTURE = re.compile(rb'["{}\[\]]')
TEXT_END = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)


class Found(NamedTuple):
    offset: int
    raw: bytes
    document: Document


def documents(stream: IO[bytes], file: str) -> Iterator[Found]:
    """Raises `SourceBroken` at the first byte that cannot be part of such a file."""
    return _Cutter(stream, file).all()


class _Cutter:
    def __init__(self, stream: IO[bytes], file: str) -> None:
        self._stream = stream
        self._file = file
        self._buffer = b""
        self._at = 0
        self._base = 0
        """Where in the file the buffer begins."""

    def all(self) -> Iterator[Found]:
        if self._look() == b"":
            return
        listed = self._look() == b"["
        self._at += listed
        expected = self._look() != b"]" if listed else True
        while expected:
            yield self._document()
            expected = self._goes_on() if listed else self._look() != b""
        if listed:
            self._end()

    def _goes_on(self) -> bool:
        separator = self._look()
        if separator == b",":
            self._at += 1
        elif separator != b"]":
            raise self._broken("the list of documents breaks off" if not separator else "a comma is missing")
        return separator == b","

    def _end(self) -> None:
        self._at += 1
        if self._look():
            raise self._broken("something follows the list of documents")

    def _document(self) -> Found:
        if self._look() != b"{":
            what = "the file breaks off" if not self._look() else f"no document begins here: {self._shown()}"
            raise self._broken(what)
        return self._line() or self._cut()

    def _line(self) -> Found | None:
        end = self._find_line()
        raw = self._buffer[self._at : end].rstrip(b" \t\r,")
        if not raw.endswith(b"}"):
            return None
        try:
            value = parse(raw)
        except ValueError:
            return None
        return self._take(raw, value) if isinstance(value, dict) else None

    def _find_line(self) -> int:
        searched = self._at
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer) - self._at
            if searched > LINE_BYTES or not self._fill():
                return len(self._buffer)
        return end

    def _cut(self) -> Found:
        end = self._closing()
        raw = self._buffer[self._at : end]
        try:
            value = parse(raw)
        except ValueError as error:
            raise self._broken(f"this is no JSON: {error}") from error
        return self._take(raw, value)

    def _closing(self) -> int:
        """One past the brace that closes the document that begins here."""
        depth, place = 0, self._at
        while True:
            token = STRUCTURE.search(self._buffer, place)
            end = TEXT_END.match(self._buffer, token.end()) if token and token.group() == b'"' else token
            if token is None or end is None:
                place = (len(self._buffer) if token is None else token.start()) - self._at
                if not self._fill():
                    raise self._broken("the document that begins here breaks off")
                continue
            place = end.end()
            if token.group() != b'"':
                depth += 1 if token.group() in b"{[" else -1
                if depth == 0:
                    return place

    def _take(self, raw: bytes, value: Document) -> Found:
        found = Found(self._base + self._at, raw, value)
        self._at += len(raw)
        return found

    def _look(self) -> bytes:
        """The next byte that is no space; nothing at the end of the file."""
        while True:
            blank = BETWEEN.match(self._buffer, self._at)
            self._at = blank.end() if blank else self._at
            if self._at < len(self._buffer):
                return self._buffer[self._at : self._at + 1]
            if not self._fill():
                return b""

    def _fill(self) -> bool:
        """Reads on, and forgets what has been taken: places in the buffer move to its front. A long document is read
        in ever larger parts, so that it is not copied for each of them."""
        if len(self._buffer) - self._at > DOCUMENT_BYTES:
            raise self._broken(f"a document here is longer than {DOCUMENT_BYTES:,} bytes")
        chunk = self._stream.read(max(CHUNK_BYTES, len(self._buffer) - self._at))
        self._buffer = self._buffer[self._at :] + chunk
        self._base += self._at
        self._at = 0
        return bool(chunk)

    def _shown(self) -> str:
        return repr(self._buffer[self._at : self._at + SHOWN_BYTES])[1:]

    def _broken(self, what: str) -> SourceBroken:
        return SourceBroken(what, self._file, self._base + self._at)
