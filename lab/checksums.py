"""What is in a member's tables, in one number each: members that hold the same give the same numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lab import galera
from lab.laboratory import DATABASE

CHECKSUM_SECONDS = 600.0
_TABLES = f"SHOW FULL TABLES FROM {DATABASE} WHERE Table_type = 'BASE TABLE'"


def table_names(folder: Path) -> list[str]:
    return sorted(str(name) for name, _ in galera.ask(folder, _TABLES))


def checksums(folder: Path, names: Sequence[str] | None = None) -> dict[str, str]:
    """By table; all of them unless some are named. Sees everything that the cluster has committed before."""
    chosen = table_names(folder) if names is None else names
    if not chosen:
        return {}
    listed = ", ".join(f"{DATABASE}.{name}" for name in chosen)
    wait = "SET SESSION wsrep_sync_wait = 1"
    rows = galera.ask(folder, wait, f"CHECKSUM TABLE {listed} EXTENDED", answer_seconds=CHECKSUM_SECONDS)
    return {str(name).partition(".")[2]: str(checksum) for name, checksum in rows}
