"""The contenders of the mesh benchmark: how each is started. What cannot be installed here is absent, and why."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.environments import PEERS, cache_folder, environment
from lab import node
from lab.install import InstallFailed

PYTHON_DIST = "requirements.txt"
MOLECULERPY_DIST = "requirements-moleculerpy.txt"
MOLECULERPY_PYTHON = (3, 12)
PROBE_SECONDS = 10


@dataclass(frozen=True)
class Contender:
    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))


@dataclass(frozen=True)
class Field:
    """Of contenders, as in a race."""

    present: tuple[Contender, ...]
    absent: Mapping[str, str]
    """Name to reason."""


def gather() -> Field:
    present = [_python(sys.executable, "localgroup"), _python(sys.executable, "localgroup-bare", "localgroup_bare")]
    absent: dict[str, str] = {}
    for names, make in (
        (("nats-py", "nats-micro", "faststream"), _nats_contenders),
        (("moleculerpy",), _moleculerpy),
        (("moleculer-0.15",), _moleculer),
    ):
        try:
            present += make()
        except (InstallFailed, OSError, subprocess.SubprocessError) as error:
            absent |= dict.fromkeys(names, str(error).strip().rpartition("\n")[2])
    return Field(tuple(present), absent)


def _nats_contenders() -> Iterator[Contender]:
    python = environment("python", sys.executable, PYTHON_DIST)
    yield _python(python, "nats-py", "nats_py")
    yield _python(python, "nats-micro", "nats_micro")
    yield _python(python, "faststream", "faststream_nats")


def _moleculerpy() -> Iterator[Contender]:
    wanted = ".".join(map(str, MOLECULERPY_PYTHON))
    found = next(_pythons(), None)
    if found is None:
        raise InstallFailed(f"needs Python {wanted} or newer; set BENCH_PYTHON to one")
    yield _python(environment("moleculerpy", found, MOLECULERPY_DIST), "moleculerpy", "moleculerpy_nodes")


def _moleculer() -> Iterator[Contender]:
    node.install(cache_folder(os.environ) / "npm.log")
    modules = {"NODE_PATH": str(node.FOLDER / "node_modules")}
    yield Contender("moleculer-0.15", (str(node.node()), str(PEERS / "moleculer.js")), node.environment() | modules)


def _python(python: str, name: str, module: str = "") -> Contender:
    return Contender(name, (python, "-m", f"bench.peers.{module or name}"))


def _pythons() -> Iterator[str]:
    """BENCH_PYTHON, what the path holds, and where pyenv keeps its versions: those that are new enough."""
    kept = sorted(Path.home().glob(".pyenv/versions/3.*/bin/python"))
    for candidate in filter(None, (os.environ.get("BENCH_PYTHON"), sys.executable, *_on_path(), *map(str, kept))):
        if _version(candidate) >= MOLECULERPY_PYTHON:
            yield candidate


def _on_path() -> tuple[str, ...]:
    return "python3", "python3.12", "python3.13", "python3.14"


def _version(python: str) -> tuple[int, ...]:
    """Nothing, of what does not run."""
    question = "import sys, venv, ensurepip; print(*sys.version_info[:2])"
    try:
        answer = subprocess.run([python, "-c", question], capture_output=True, text=True, timeout=PROBE_SECONDS)
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(map(int, answer.stdout.split())) if answer.returncode == 0 else ()
