"""Which catalogue a laboratory serves: the one it is given, the one it has, or a small generated one.

Loading is `messier load`, which does nothing for what is there already; remembering the last one saves even that.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from lab import credentials
from lab.command import run
from lab.laboratory import Laboratory
from lab.progress import console, step
from lab.roles import LOADER
from lab.tiers import common_environment

SAMPLE_SECONDS = 60
SOME_SKIPPED = 2
"""The loader's exit status when malformed files were left out; it has listed them."""


class LoadFailed(Exception):
    """The loader has said why."""


@dataclass(frozen=True, slots=True)
class Loaded:
    path: str
    fingerprint: str
    complete: bool


def fingerprint(path: Path) -> str:
    """Of names, sizes and times of change: no file is read."""
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    seen = hashlib.sha256()
    for file in files:
        status = file.stat()
        seen.update(f"{file.name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return seen.hexdigest()


def record_path(laboratory: Laboratory) -> Path:
    return laboratory.storage / "catalogue.json"


def recorded(laboratory: Laboratory) -> Loaded | None:
    path = record_path(laboratory)
    return Loaded(**json.loads(path.read_text())) if path.exists() else None


def record(laboratory: Laboratory, loaded: Loaded) -> None:
    record_path(laboratory).write_text(json.dumps(asdict(loaded)) + "\n")


def to_load(laboratory: Laboratory, given: Path | None) -> Path | None:
    """None when everything is there. An interrupted load is taken up again, though nothing is given."""
    before = recorded(laboratory)
    if given is None:
        if before is None:
            return sample(laboratory)
        return None if before.complete else Path(before.path)
    if before and before.complete and before.fingerprint == fingerprint(given):
        return None
    return given


def sample(laboratory: Laboratory) -> Path:
    folder = laboratory.state / "sample"
    with step("generating a small sample catalogue"):
        run(
            [sys.executable, "-m", "messier", "sample", str(folder)],
            log=laboratory.logs / "sample.log",
            timeout_seconds=SAMPLE_SECONDS,
        )
    return folder


def load(laboratory: Laboratory, path: Path) -> None:
    """Through the first region's mesh, as any client would."""
    region = laboratory.regions[0]
    node = f"{credentials.user_of(LOADER, region)}.{os.getpid()}"
    told = common_environment(laboratory, region, LOADER) | {"LOCALGROUP_NODE": node}
    found = fingerprint(path)
    record(laboratory, Loaded(str(path), found, complete=False))
    console.print(f"  ...  loading {path}")
    done = subprocess.run(
        [sys.executable, "-m", "messier", "load", str(path)], env=os.environ | told, stdin=subprocess.DEVNULL
    )
    if done.returncode not in (0, SOME_SKIPPED):
        raise LoadFailed(f"the catalogue {path} was not loaded (exit status {done.returncode})")
    record(laboratory, Loaded(str(path), found, complete=True))


def ensure(laboratory: Laboratory, given: Path | None) -> None:
    path = to_load(laboratory, given)
    if path is not None:
        load(laboratory, path)
