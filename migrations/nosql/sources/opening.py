"""The source that a word on the command line means."""

from __future__ import annotations

from pathlib import Path

from migrations.nosql.sources.archive import Archive
from migrations.nosql.sources.folder import Folder
from migrations.nosql.sources.live import Live
from migrations.nosql.sources.source import Source

LIVE = "rethinkdb://"


def open_source(word: str) -> Source:
    """Raises ValueError where it is none. Nothing is read yet."""
    if word.startswith(LIVE):
        return Live(word)
    path = Path(word)
    if path.is_dir():
        return Folder(path)
    if path.is_file():
        return Archive(path)
    raise ValueError(
        f"there is no file or folder {word}; a running server is {LIVE}[user:password@]address[:port]/database"
    )
