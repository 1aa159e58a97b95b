"""Where a drill leaves what it found."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab import moments

SEED_MAX = 1_000_000


def begun(folder: Path, seed: int | None, kind: str = "") -> tuple[int, Path]:
    """The seed, and a new folder that is called after it."""
    chosen = secrets.randbelow(SEED_MAX) if seed is None else seed
    report = folder / f"{moments.name_of(time.time())}-{kind}seed-{chosen}"
    report.mkdir(parents=True)
    return chosen, report


@contextmanager
def kept(logs: Path, report: Path) -> Iterator[None]:
    """What the servers said, whatever comes of the drill."""
    try:
        yield
    finally:
        shutil.copytree(logs, report / "logs")
