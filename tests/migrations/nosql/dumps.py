"""Dumps for tests: small ones that are written here, and the genuine ones where they are at hand."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[3]
GENUINE = Path(os.environ.get("LOCALGROUP_DATA") or REPOSITORY.parent / "shared" / "data") / "rethinkdb"
TOP = "rethinkdb_dump_2026-01-02T03:04:05"

Documents = Sequence[Mapping[str, Any]]


def genuine(database: str) -> Path | None:
    path = GENUINE / f"rethinkdb_dump_{database}.tar.gz"
    return path if path.exists() else None


def manifest(database: str) -> Any:
    return json.loads((GENUINE / f"manifest_{database}.json").read_text())


def write_dump(
    path: Path, tables: Mapping[str, Documents], keys: Mapping[str, str] | None = None, indexes: Any = None
) -> Path:
    """As the dump tool writes it: documents before what describes them, pairs of surrogates, a colon in the folder."""
    with tarfile.open(path, "w:gz") as archive:
        for name, documents in tables.items():
            body = "[\n" + ",\n".join(json.dumps(document) for document in documents) + "\n]\n"
            info = {
                "name": name,
                "primary_key": (keys or {}).get(name, "id"),
                "indexes": (indexes or {}).get(name, []),
                "doc_count_estimates": [len(documents) * 2],
            }
            _add(archive, f"{TOP}/shop/{name}.json", body.encode())
            _add(archive, f"{TOP}/shop/{name}.info", json.dumps(info).encode())
    return path


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))
