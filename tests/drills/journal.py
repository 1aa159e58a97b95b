"""What the system said, kept outside of the system: every write and its answer, on disk before anybody counts on it.

One JSON object a line. Many clients share one write to disk, so that the journal does not set their pace.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import orjson

Entry: TypeAlias = Mapping[str, Any]


class Journal:
    def __init__(self, path: Path) -> None:
        """Never appends to the journal of another drill: raises FileExistsError."""
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o644)
        self._waiting: list[bytes] = []
        self._turn = asyncio.Lock()

    async def record(self, entry: Entry) -> None:
        """Returns once it is on disk, with all that came before it."""
        line = orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE)
        self._waiting.append(line)
        async with self._turn:
            if self._waiting:  # else whoever was before us took ours along
                lines, self._waiting = self._waiting, []
                await asyncio.to_thread(self._append, b"".join(lines))

    def close(self) -> None:
        os.close(self._descriptor)

    def _append(self, lines: bytes) -> None:
        while lines:
            lines = lines[os.write(self._descriptor, lines) :]
        os.fsync(self._descriptor)


def read_journal(path: Path) -> Iterator[dict[str, Any]]:
    """A last line that was cut off by a crash was never counted on, and is left out."""
    for line in path.read_bytes().splitlines(keepends=True):
        if line.endswith(b"\n"):
            yield orjson.loads(line)
