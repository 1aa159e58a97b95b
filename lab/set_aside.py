"""Data that somebody decided to do without is moved out of the way, and never erased: decisions can be wrong."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from lab import moments
from lab.laboratory import Laboratory


def set_aside(laboratory: Laboratory, folders: Iterable[Path], now_seconds: float) -> Path | None:
    """Where it is now; None if there was nothing. The folders are the laboratory's own, of the same file system."""
    target = laboratory.state / "set-aside" / moments.name_of(now_seconds)
    present = [folder for folder in folders if folder.exists()]
    for folder in present:
        place = target / folder.relative_to(laboratory.state)
        place.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(place)
    return target if present else None
