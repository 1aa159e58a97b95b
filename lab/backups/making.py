"""Making a backup: under a name that says that it is not complete, until it is verified."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab import galera, moments
from lab.backups import embedded, members
from lab.backups.manifest import Manifest, digests, write_manifest
from lab.catalogue import record_path
from lab.command import CommandFailed
from lab.laboratory import Laboratory
from lab.progress import step
from lab.regions import Region

BACKUPS = "backups"
PARTIAL = ".partial"


class BackupExists(Exception):
    """Nothing is overwritten."""


def backups_folder(laboratory: Laboratory) -> Path:
    return laboratory.state / BACKUPS


def make(laboratory: Laboratory, folder: Path, now_seconds: float, region: Region | None = None) -> Path:
    """Of a running laboratory, below `folder`. `region`: whose member is copied; else the last one that serves."""
    made_at = moments.name_of(now_seconds)
    log = laboratory.logs / "backup.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with complete_or_gone(folder / made_at) as partial:
        if laboratory.embedded:
            manifest = of_file(laboratory, partial, made_at)
        else:
            manifest = of_member(laboratory, region or last_serving(laboratory), partial, made_at, log)
        with step("noting every file's digest"):
            keep_catalogue(laboratory, partial)
            write_manifest(partial, manifest.model_copy(update={"files": digests(partial)}))
    return folder / made_at


@contextmanager
def complete_or_gone(backup: Path) -> Iterator[Path]:
    """For this user only: it has everybody's data in it."""
    partial = backup.with_name(backup.name + PARTIAL)
    backup.parent.mkdir(parents=True, exist_ok=True)
    if backup.exists() or partial.exists():
        raise BackupExists(f"{backup} exists, or is being made")
    partial.mkdir(mode=0o700)
    try:
        yield partial
    except BaseException:
        shutil.rmtree(partial)
        raise
    partial.rename(backup)


def of_file(laboratory: Laboratory, partial: Path, made_at: str) -> Manifest:
    target = partial / "data" / laboratory.sqlite_file.name
    with step(f"copying {laboratory.sqlite_file} while it serves"):
        embedded.copy(laboratory.sqlite_file, target)
    with step("checking the copy"):
        version, tables = embedded.examine(target)
    source = str(laboratory.sqlite_file)
    return Manifest(
        made_at=made_at, embedded=True, source=source, version=version, position=None, tables=tables, files={}
    )


def of_member(laboratory: Laboratory, region: Region, partial: Path, made_at: str, log: Path) -> Manifest:
    members.require_tool(log)
    with step(f"copying the database of {region.name} while it serves"):
        members.copy(laboratory.member(region), partial, log)
    with step("making the copy ready"):
        members.prepare(partial, log)
    with step("starting a server on the copy, and checking every table"):
        version, tables = members.examine(partial, log)
    position = str(members.position(partial))
    source = region.node("galera")
    return Manifest(
        made_at=made_at, embedded=False, source=source, version=version, position=position, tables=tables, files={}
    )


def last_serving(laboratory: Laboratory) -> Region:
    """Far from the first region, where `make up` and the loader ask."""
    found = [region for region in laboratory.regions if galera.why_not_synced(laboratory.member(region)) is None]
    if not found:
        raise CommandFailed("no region's database serves; `make up` starts them")
    return found[-1]


def keep_catalogue(laboratory: Laboratory, partial: Path) -> None:
    record = record_path(laboratory)
    if record.exists():
        shutil.copy(record, partial / record.name)
