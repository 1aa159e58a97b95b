"""Processes of a laboratory that nobody supervises any more, after their supervisor was killed.

They carry our mark in their environment, which the kernel shows (Linux only; elsewhere none are found).
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

from lab.laboratory import MARK, Laboratory
from lab.readiness import wait_until

PROCESSES = Path("/proc")
END_SECONDS = 30


def marked(folder: Path, mark: bytes) -> bool:
    try:
        return mark in (folder / "environ").read_bytes().split(b"\0")
    except OSError:
        return False


def strays(laboratory: Laboratory) -> list[int]:
    """Process ids of everything that the laboratory started, its supervisor included."""
    return marked_with(str(laboratory.state))


def marked_with(value: str) -> list[int]:
    """Whoever was started with that value of the mark."""
    mark = f"{MARK}={value}".encode()
    if not PROCESSES.is_dir():
        return []
    return [int(folder.name) for folder in PROCESSES.iterdir() if folder.name.isdigit() and marked(folder, mark)]


def send(laboratory: Laboratory, number: signal.Signals) -> None:
    for process_id in strays(laboratory):
        try:
            os.kill(process_id, number)
        except ProcessLookupError:
            continue


def end(laboratory: Laboratory) -> None:
    """In order if they let themselves be ended, else by force."""
    send(laboratory, signal.SIGTERM)
    try:
        gone(laboratory)
    except TimeoutError:
        send(laboratory, signal.SIGKILL)
        gone(laboratory)


def gone(laboratory: Laboratory) -> None:
    """Waits for it."""

    def why_not() -> str | None:
        left = strays(laboratory)
        return f"still running: {', '.join(map(str, left))}" if left else None

    wait_until(why_not, deadline_seconds=END_SECONDS)
