"""One caller and one callee of a contender, each a process, measured through a real nats-server, a process too.

Nothing is pinned: three processes share what processors there are, as they would.
"""

from __future__ import annotations

import json
import select
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.mesh_peers import Contender
from bench.peers.closed_loop import Phase
from bench.processes import running
from broker.settings import Address

NATS_SERVER = Path(sys.executable).parent / "nats-server"
REPOSITORY = Path(__file__).resolve().parent.parent
READY_SECONDS = 20.0
SILENCE_SECONDS = 30.0
"""Beside a phase's own duration: a contender that says nothing for so long is stuck."""
MEMORY = {"resident_mebibytes": "VmRSS:", "peak_mebibytes": "VmHWM:"}
KIBIBYTES = 1024
"""Of a mebibyte."""

Result = dict[str, Any]
"""What the caller measured in a phase, and the memory of both processes after it, where the system tells."""


class Stuck(RuntimeError):
    """A contender ended early, or said nothing."""


@contextmanager
def nats_server(address: Address) -> Iterator[str]:
    command = [str(NATS_SERVER), "-a", address.host, "-p", str(address.port)]
    with running(command, address, quiet=True):
        yield f"nats://{address}"


def measure(contender: Contender, url: str, plan: Sequence[Phase]) -> Iterator[Result]:
    """One phase after another. Raises `Stuck`."""
    with _started(contender, "callee", url) as callee:
        line_of(callee, READY_SECONDS)
        with _started(contender, "caller", url, json.dumps([asdict(phase) for phase in plan])) as caller:
            for phase in plan:
                yield _result(callee, caller, phase)


def _result(callee: subprocess.Popen[str], caller: subprocess.Popen[str], phase: Phase) -> Result:
    result: Result = json.loads(line_of(caller, phase.seconds + SILENCE_SECONDS))
    pids = callee.pid, caller.pid
    return result | {field: sum(_mebibytes(pid, line) for pid in pids) for field, line in MEMORY.items()}


@contextmanager
def _started(contender: Contender, role: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*contender.command, role, *arguments],
        cwd=REPOSITORY,
        env=dict(contender.environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def line_of(process: subprocess.Popen[str], seconds: float) -> str:
    """What it says next. Raises `Stuck`."""
    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], seconds)
    line = process.stdout.readline() if readable else ""
    if not line:
        process.kill()
        _, complaint = process.communicate()
        raise Stuck(complaint.strip().rpartition("\n")[2] or f"nothing was heard for {seconds:.0f} s")
    return line


def _mebibytes(pid: int, name: str) -> float:
    """0 where the system does not tell."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / KIBIBYTES for line in lines if line.startswith(name)), 0.0)
