"""The modules of a call's path, compiled by mypyc, where `python -m lab.compile` has done so; plain Python elsewhere.

What was compiled lies in a folder named after a digest of the sources it was made from, and of this Python. A source
that was edited since has another digest: what is stale is never found, let alone used. `docs/adr/0011` says why.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

MODULES = (
    "broker.calls",
    "broker.context",
    "broker.discovery.registry",
    "broker.dispatch",
    "broker.inbox",
    "broker.load_reports",
    "broker.nats.client",
    "broker.nats.headers",
    "broker.nats.lines",
    "broker.nats.parser",
    "broker.nats.subscriptions",
    "broker.observe.quantile",
    "broker.observe.tally",
    "broker.outgoing",
    "broker.pending",
    "broker.policies.bulkhead",
    "broker.policies.cut_off",
    "broker.policies.deadline",
    "broker.policies.ejection",
    "broker.policies.retry",
    "broker.policies.timeouts",
    "broker.remote",
    "broker.requests",
    "broker.responses",
    "broker.tasks",
    "broker.wire.load",
    "broker.wire.topics",
    "broker.wire.usual_packets",
)
"""What a call and a request pass through, and nothing else: compiling takes time, and a module gains by it where it
runs ten thousand times a second. No async generator can be compiled."""
INLINED = (
    "broker.observe.metrics",
    "broker.policies.idempotency",
    "broker.wire.bulky_packets",
    "broker.wire.packets",
)
"""Not compiled, but the values of their `Final` names are written into what is."""
REPOSITORY = Path(__file__).resolve().parent.parent
FOLDER = REPOSITORY / "build" / "compiled"
SWITCH, OFF = "LOCALGROUP_COMPILED", "no"
"""An environment variable, for those who want plain Python all the same: to debug it, or to test both."""
SUFFIX = EXTENSION_SUFFIXES[0]
"""Names the version and the platform of Python."""


def use() -> None:
    """To be called before any of the modules is imported."""
    if os.environ.get(SWITCH) == OFF or not FOLDER.is_dir():
        return
    if files := compiled_files(FOLDER / digest()):
        sys.meta_path.insert(0, Finder(files))


def source_of(module: str) -> Path:
    return REPOSITORY.joinpath(*module.split(".")).with_suffix(".py")


def digest() -> str:
    """Of all that was put into what is compiled."""
    whole = hashlib.sha256(SUFFIX.encode())
    for module in (*MODULES, *INLINED):
        whole.update(hashlib.sha256(source_of(module).read_bytes()).digest())
    return whole.hexdigest()[:32]


def compiled_files(folder: Path) -> Mapping[str, Path]:
    """Module to file; nothing where there is no such folder."""
    files = folder.rglob(f"*{SUFFIX}")
    return {".".join(file.relative_to(folder).parts).removesuffix(SUFFIX): file for file in files}


class Finder(MetaPathFinder):
    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = files

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        file = self._files.get(name)
        return None if file is None else spec_from_file_location(name, file)
