"""Network namespaces, one a site: made, entered, and cleared away with whatever still runs in them.

Their names begin with the laboratory's, so that what a crashed one left is known for its own.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.packages import is_root
from lab.readiness import wait_until

NAMED = Path("/run/netns")
OWN = Path("/proc/thread-self/ns/net")
TUNNEL = Path("/dev/net/tun")
TOOL = "ip"
COMMAND_SECONDS = 20
GONE_SECONDS = 10
NETWORK_NAMESPACE = 0x40000000
"""CLONE_NEWNET of setns(2)."""
C_LIBRARY = ctypes.CDLL(None, use_errno=True)


class NetworkRefused(Exception):
    """The kernel does not let us; the message is its own."""


def why_not() -> str | None:
    """Why this machine can have no such laboratory; None if it can."""
    if not is_root():
        return "the WAN laboratory makes network namespaces, which needs root"
    if shutil.which(TOOL) is None:
        return f"the WAN laboratory needs the command `{TOOL}` (package iproute2)"
    return None if TUNNEL.exists() else f"this kernel has no {TUNNEL}, which the WAN laboratory needs"


def ip(*arguments: str, lines: Iterable[str] = ()) -> str:
    """One command of iproute2, or several in one go as `lines` of a batch. Raises NetworkRefused."""
    batch = "\n".join(lines)
    command = [TOOL, *arguments, *(["-batch", "-"] if batch else [])]
    done = subprocess.run(command, input=batch, capture_output=True, text=True, timeout=COMMAND_SECONDS)
    if done.returncode:
        raise NetworkRefused(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def enter_command(namespace: str) -> tuple[str, ...]:
    """What to put before a command so that it runs there; no process remains in between."""
    return (TOOL, "netns", "exec", namespace) if namespace else ()


def create(names: Iterable[str]) -> None:
    chosen = list(names)
    if not chosen:
        return
    ip(lines=[f"netns add {name}" for name in chosen])
    for name in chosen:
        ip("-n", name, "link", "set", "lo", "up")


def left(prefix: str) -> list[str]:
    """Names of the namespaces that begin so."""
    return sorted(path.name for path in NAMED.glob(f"{prefix}*")) if NAMED.is_dir() else []


def clear(prefix: str) -> None:
    """Ends what runs in such namespaces, by force, and removes them."""
    for name in left(prefix):
        end_all_in(name)
        ip("netns", "delete", name)


def processes_in(name: str) -> list[int]:
    return [int(line) for line in ip("netns", "pids", name).split()]


def end_all_in(name: str) -> None:
    for process_id in processes_in(name):
        try:
            os.kill(process_id, signal.SIGKILL)
        except ProcessLookupError:
            continue
    wait_until(lambda: f"still running in {name}" if processes_in(name) else None, deadline_seconds=GONE_SECONDS)


@contextmanager
def entered(namespace: str) -> Iterator[None]:
    """This thread is there: what it opens in the body belongs there for good. Nothing else may happen in the body."""
    if not namespace:
        yield
        return
    before = os.open(OWN, os.O_RDONLY)
    try:
        _enter(NAMED / namespace)
        try:
            yield
        finally:
            _set(before)
    finally:
        os.close(before)


def _enter(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        _set(descriptor)
    finally:
        os.close(descriptor)


def _set(descriptor: int) -> None:
    if C_LIBRARY.setns(descriptor, NETWORK_NAMESPACE):
        raise OSError(ctypes.get_errno(), "setns")
