"""Running another program to its end, its output kept in a log that an error quotes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

TAIL_LINES = 15


class CommandFailed(Exception):
    """The message has the end of what the program said, and where the rest is."""


def run(
    command: Sequence[str], *, log: Path, timeout_seconds: float, environment: Mapping[str, str] | None = None
) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        done = subprocess.run(
            command,
            env=os.environ | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            timeout=timeout_seconds,
        )
    if done.returncode:
        said = "\n".join(log.read_text(errors="replace").splitlines()[-TAIL_LINES:])
        raise CommandFailed(f"{' '.join(command[:2])} failed; all of it is in {log}\n{said}")
