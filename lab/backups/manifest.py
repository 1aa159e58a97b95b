"""What a backup says of itself, and whether that is still true."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

MANIFEST = "manifest.json"


class BadBackup(Exception):
    """Not a backup, or not as it was when it was made; the message says what is wrong."""


class Manifest(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    made_at: str
    embedded: bool
    source: str
    """The member, or the file, that it was made of."""
    version: str
    """Of the database server."""
    position: str | None
    """How far the cluster was: `<history>:<seqno>`. None of embedded storage."""
    tables: Mapping[str, str]
    """Name to checksum of everything in it, as the restored database must say it again."""
    files: Mapping[str, str]
    """Path below the backup to SHA-256."""


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digests(folder: Path) -> dict[str, str]:
    """Of every file but the manifest itself."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    return {str(path.relative_to(folder)): digest(path) for path in files}


def write_manifest(folder: Path, manifest: Manifest) -> None:
    (folder / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n")


def read_manifest(folder: Path) -> Manifest:
    try:
        return Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise BadBackup(f"{folder} is not a backup: it has no {MANIFEST}") from None
    except ValidationError as error:
        raise BadBackup(f"{folder / MANIFEST} cannot be read: {error.errors()[0]['msg']}") from None


def verify(folder: Path) -> Manifest:
    """Every file is there and as it was, and no other."""
    manifest = read_manifest(folder)
    found = digests(folder)
    wrong = sorted(path for path in {*manifest.files, *found} if manifest.files.get(path) != found.get(path))
    if wrong:
        raise BadBackup(f"{folder} is damaged: {len(wrong)} files are not as they were, {wrong[0]} the first of them")
    return manifest
