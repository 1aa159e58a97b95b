"""Putting a backup in place of what a laboratory has. Nothing runs meanwhile, and nothing is erased.

What was there is moved to `set-aside/<time>`. A restored cluster begins a history of its own: a member that kept data
of the old one is then refused, or filled anew, and never believes that it only missed the last few writes.
"""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path

from lab import galera
from lab.backups import embedded
from lab.backups.manifest import BadBackup, Manifest, verify
from lab.catalogue import record_path
from lab.laboratory import Laboratory
from lab.progress import step
from lab.recovery import Position, write_state
from lab.set_aside import set_aside


def restore(laboratory: Laboratory, backup: Path, now_seconds: float) -> Path | None:
    """Into a laboratory that does not run; `make up` then starts it. Returns where the present data has gone to."""
    with step(f"verifying {backup}"):
        manifest = verify(backup)
    require_same_storage(laboratory, manifest)
    moved = set_aside(laboratory, [laboratory.storage], now_seconds)
    laboratory.storage.mkdir(parents=True)
    with step(f"copying {backup.name} into place"):
        (restore_file if manifest.embedded else restore_member)(laboratory, backup)
        record = record_path(laboratory)
        if (backup / record.name).exists():
            shutil.copy(backup / record.name, record)
    return moved


def require_same_storage(laboratory: Laboratory, manifest: Manifest) -> None:
    if manifest.embedded != laboratory.embedded:
        kinds = {True: "embedded storage", False: "Galera"}
        raise BadBackup(f"the backup is of {kinds[manifest.embedded]}, this is {kinds[laboratory.embedded]}")


def restore_file(laboratory: Laboratory, backup: Path) -> None:
    embedded.copy(backup / "data" / laboratory.sqlite_file.name, laboratory.sqlite_file)


def restore_member(laboratory: Laboratory, backup: Path) -> None:
    """The first region's, which begins the cluster; the others have no data, and are filled from it."""
    galera.write_configuration(laboratory)
    folder = laboratory.member(laboratory.regions[0])
    target = galera.data_folder(folder)
    shutil.copytree(galera.data_folder(backup), target, dirs_exist_ok=True)
    for path in (target, *target.rglob("*")):
        galera.give(path)
    write_state(folder, Position(str(uuid.uuid1()), 0, safe=True))
    os.sync()
