"""Environments that foreign contenders need: made once, in a cache folder, with pinned versions."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from lab import install

PEERS = Path(__file__).parent / "peers"
STAMP = "installed"


def cache_folder(environ: Mapping[str, str]) -> Path:
    """LOCALGROUP_BENCH_CACHE, else a folder of ours in the user's cache."""
    if chosen := environ.get("LOCALGROUP_BENCH_CACHE"):
        return Path(chosen)
    return Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "localgroup" / "bench"


def environment(name: str, python: str, requirements: str) -> str:
    """The Python of an environment in which these requirements are installed."""
    folder, wanted = cache_folder(os.environ) / name, PEERS / requirements
    digest = hashlib.sha256(wanted.read_bytes() + python.encode()).hexdigest()
    own, stamp, log = folder / "bin" / "python", folder / STAMP, folder.with_suffix(".log")
    if not stamp.exists() or stamp.read_text() != digest:
        folder.mkdir(parents=True, exist_ok=True)
        install.run(f"creating the environment of {name}", [python, "-m", "venv", "--clear", str(folder)], log)
        pip = [str(own), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--quiet"]
        install.run(f"installing what {name} needs (pip)", [*pip, "--requirement", str(wanted)], log)
        stamp.write_text(digest)
    return str(own)
