"""The files of an archive or a folder, one after the other, without unpacking anything to disk.

An archive comes from a stranger: names are only compared, links are not followed, and both a file and the whole have
a bound, so that neither a hostile nor a broken archive can fill the memory.
"""

from __future__ import annotations

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

FILE_BYTES_MAX = 8 * 1024 * 1024
"""A document travels in one message, and the mesh takes no larger ones; the largest document known has 1 MB."""
TOTAL_BYTES_MAX = 1024 * 1024 * 1024
FILES_MAX = 20_000

BROKEN = (tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, EOFError, OSError, NotImplementedError)
"""What the standard library raises for archives that are damaged, cut short, or compressed in an unknown way."""


class Unreadable(ValueError):
    """This is no archive or folder, or it ends in the middle."""


@dataclass(frozen=True, slots=True)
class ArchivedFile:
    """To be read before the next file is asked for. `regular` is false for links, devices and what is encrypted."""

    name: str
    size_bytes: int
    regular: bool
    contents: Callable[[], bytes]

    def read(self) -> bytes:
        try:
            return self.contents()
        except BROKEN as error:
            raise Unreadable(str(error) or "ends in the middle") from error


def files(path: Path) -> Iterator[ArchivedFile]:
    """In the archive's order; a folder's files by name. Raises `Unreadable`."""
    count = total_bytes = 0
    try:
        for file in _opened(path):
            count += 1
            total_bytes += file.size_bytes
            if count > FILES_MAX or total_bytes > TOTAL_BYTES_MAX:
                raise Unreadable(f"{path.name}: more than {FILES_MAX} files or {TOTAL_BYTES_MAX} bytes")
            yield file
    except BROKEN as error:
        raise Unreadable(f"{path.name}: {error or 'ends in the middle'}") from error


def count_files(path: Path) -> int:
    """As many as can be read. Raises `Unreadable` if that is none."""
    count = 0
    try:
        for _ in files(path):
            count += 1
    except Unreadable:
        if not count:
            raise
    return count


def _opened(path: Path) -> Iterator[ArchivedFile]:
    if path.is_dir():
        return _folder(path)
    if zipfile.is_zipfile(path):
        return _zip(path)
    return _tar(path)


def _folder(path: Path) -> Iterator[ArchivedFile]:
    for file in sorted(path.rglob("*")):
        if file.is_symlink() or not file.is_dir():
            regular = file.is_file() and not file.is_symlink()
            size_bytes = file.stat().st_size if regular else 0
            yield ArchivedFile(file.relative_to(path).as_posix(), size_bytes, regular, file.read_bytes)


def _zip(path: Path) -> Iterator[ArchivedFile]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if not info.is_dir():
                encrypted = bool(info.flag_bits & 0x1)
                yield ArchivedFile(info.filename, info.file_size, not encrypted, partial(archive.read, info))


def _tar(path: Path) -> Iterator[ArchivedFile]:
    with tarfile.open(path, mode="r|*") as archive:
        for member in archive:
            if not member.isdir():
                yield ArchivedFile(member.name, member.size, member.isreg(), partial(_read, archive, member))


def _read(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    return file.read() if file else b""
