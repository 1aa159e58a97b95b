"""rethinkport, a tool on PyPI that brings a RethinkDB dump into this family of databases.

It wants the dump unpacked, reads a table as a whole, takes columns from the first thousand documents, and inserts by
thousands, each thousand a transaction; it gives a table up at the first row that is refused.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from sqlalchemy import URL

NAME = "rethinkport"
REQUIREMENTS = "requirements-rethinkport.txt"
SECONDS_MAX = 900


def unpack(dump: Path, table: str, folder: Path) -> Path:
    """One table, as the tool wants it."""
    with tarfile.open(dump) as archive:
        for member in archive:
            name = PurePosixPath(member.name)
            content = archive.extractfile(member)
            if content is not None and name.stem == table:
                with (folder / name.name).open("wb") as file:
                    shutil.copyfileobj(content, file)
    return folder


def load(python: str, folder: Path, url: URL) -> None:
    """What it could not load, and why, it says on its terminal. Nothing comes of its exit status: the statistics at its
    end fail on MariaDB."""
    with (folder / "rethinkport.log").open("ab") as log:
        subprocess.run(
            [python, "-m", "mysql_migrator", str(folder)],
            env={**os.environ, **_settings(url)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            timeout=SECONDS_MAX,
        )


def _settings(url: URL) -> Mapping[str, str]:
    return {
        "MYSQL_HOST": str(url.host),
        "MYSQL_PORT": str(url.port),
        "MYSQL_USER": str(url.username),
        "MYSQL_PASSWORD": str(url.password),
        "MYSQL_DATABASE": str(url.database),
    }
