"""Running what pods run, waiting until it answers, and ending it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from lab.supervisor import end_with_parent

READY_SECONDS = 60.0
STOP_SECONDS = 30.0
POLL_SECONDS = 0.05


@contextmanager
def running(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, preexec_fn=end_with_parent
        )
    try:
        yield process
    finally:
        end(process)


def inside(process: subprocess.Popen[bytes]) -> int:
    """Of what was started in a namespace, what runs there: its keeper waits for it. Of anything else, itself."""
    found = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(found[0]) if found else process.pid


def end(process: subprocess.Popen[bytes]) -> None:
    """As a kubelet does, and not before it is over."""
    if process.poll() is None:
        os.kill(inside(process), signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.kill(inside(process), signal.SIGKILL)  # the first of its namespace: all the others end with it
        process.wait(STOP_SECONDS)
        raise


def answer(url: str) -> tuple[int, Any]:
    """Status and body; 0 where nobody answers."""
    try:
        found = httpx.get(url, timeout=2)
    except httpx.TransportError:
        return 0, None
    return found.status_code, found.json()


def wait_until(condition: Callable[[], object], log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not condition():
        assert time.monotonic() < deadline, log.read_text(errors="replace")[-4000:]
        time.sleep(POLL_SECONDS)
