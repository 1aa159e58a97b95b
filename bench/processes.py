"""Processes of a benchmark: each on a processor of its own where there are enough, all ended at the end."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from broker.settings import Address

START_SECONDS = 20.0
STOP_SECONDS = 5.0
POLL_SECONDS = 0.05

SERVER_PROCESSOR = 0
LOAD_PROCESSOR = 1


@contextmanager
def server(module: str, *arguments: str, address: Address) -> Iterator[None]:
    with running([sys.executable, "-m", module, *arguments], address) as process:
        pin(process.pid, SERVER_PROCESSOR)
        yield


@contextmanager
def running(command: Sequence[str], address: Address, *, quiet: bool = False) -> Iterator[subprocess.Popen[bytes]]:
    """A server, once it can be reached there."""
    output = subprocess.DEVNULL if quiet else None
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        _wait_until_reachable(process, address)
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def result_of(module: str, *arguments: str) -> dict[str, Any]:
    """What a process printed as its last line, as JSON."""
    process = subprocess.Popen([sys.executable, "-m", module, *arguments], stdout=subprocess.PIPE, text=True)
    pin(process.pid, LOAD_PROCESSOR)
    output, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"{module} failed with {process.returncode}")
    result: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    return result


def pin(pid: int, processor: int) -> None:
    """On a machine with one processor, or a system that cannot pin, all share what there is: both contenders alike."""
    available = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if processor < len(available):
        os.sched_setaffinity(pid, {available[processor]})


def _wait_until_reachable(process: subprocess.Popen[bytes], address: Address) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        try:
            socket.create_connection(address, POLL_SECONDS).close()
        except OSError:
            time.sleep(POLL_SECONDS)
        else:
            return
    raise TimeoutError(f"nothing answers at {address}")
