"""A crowd of users as a process beside us, which ends with the body."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.laboratory import MARK
from lab.supervisor import end_with_parent
from lab.users.__main__ import READY
from lab.users.plan import Plan
from lab.users.record import Reader, Record
from lab.wan.validity import Used, used_by

END_SECONDS = 40
"""Longer than the most patient of them waits."""
PLAN, RECORDS, LOG = "users.json", "users.jsonl", "users.log"


class UsersFailed(Exception):
    """They did not begin, or ended badly; the message is what they said."""


@dataclass(frozen=True)
class Users:
    process: subprocess.Popen[bytes]
    reader: Reader

    def records(self) -> list[Record]:
        """So far; all of them after the body."""
        return self.reader.records()

    def used(self) -> Used:
        """Of the processor."""
        return used_by(self.process.pid)


@contextmanager
def crowd(plan: Plan, folder: Path, *, enter: Sequence[str] = (), state: Path | None = None) -> Iterator[Users]:
    """`enter`: what to put before a command so that it runs where they are. `state`: of the laboratory that clears away
    what a killed one left."""
    (folder / PLAN).write_text(plan.model_dump_json(indent=2))
    command = [*enter, sys.executable, "-m", "lab.users", str(folder / PLAN), str(folder / RECORDS)]
    with (folder / LOG).open("ab") as log:
        process = subprocess.Popen(
            command,
            env=os.environ | ({MARK: str(state)} if state else {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            preexec_fn=end_with_parent,
        )
    with process:
        try:
            _wait_ready(process, folder)
            yield Users(process, Reader(folder / RECORDS))
        finally:
            _end(process, folder)


def _wait_ready(process: subprocess.Popen[bytes], folder: Path) -> None:
    assert process.stdout
    if process.stdout.readline() != READY:
        raise UsersFailed((folder / LOG).read_text())


def _end(process: subprocess.Popen[bytes], folder: Path) -> None:
    process.terminate()
    try:
        status = process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        raise UsersFailed("they did not end in time") from None
    if status:
        raise UsersFailed((folder / LOG).read_text())
