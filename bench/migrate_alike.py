"""Documents of one shape, which rethinkport takes as well: both tools as a person starts them, from start to end."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeAlias
from uuid import UUID

import orjson

from migrations.nosql.plan import Plan
from migrations.nosql.plan_file import write
from migrations.nosql.sources.source import Document

DOCUMENTS = 60_000
SECONDS_MAX = 900

Shape: TypeAlias = tuple[tuple[str, str], ...]


def folder_of(documents: Callable[[], Iterable[Document]], unpacked: Path, table: str, folder: Path) -> Path:
    """The most frequent shape's documents, again and again under other keys, as an unpacked dump of `table`."""
    ((shape, _),) = Counter(map(_shape, documents())).most_common(1)
    alike = [orjson.dumps(document) for document in documents() if _shape(document) == shape]
    database, _, name = table.partition(".")
    path = folder / "alike" / database
    path.mkdir(parents=True)
    shutil.copy(unpacked / f"{name}.info", path)
    with (path / f"{name}.json").open("wb") as file:
        file.write(b"[\n")
        for number in range(DOCUMENTS):
            document = orjson.loads(alike[number % len(alike)]) | {"id": str(UUID(int=number))}
            file.write((b",\n" if number else b"") + orjson.dumps(document))
        file.write(b"\n]\n")
    return path


def load(folder: Path, plan: Plan, database_url: str) -> None:
    """Ours. Raises `CalledProcessError`."""
    path = folder.parent.with_suffix(".toml")
    path.write_text(write(plan), encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "migrations", "load", str(folder.parent), "--plan", str(path)],
        env={**os.environ, "LOCALGROUP_DATABASE_URL": database_url},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=SECONDS_MAX,
        check=True,
    )


def _shape(document: Document) -> Shape:
    return tuple((name, type(value).__name__) for name, value in sorted(document.items()))
