"""What was compiled is used where it was made from the sources that are there, and nowhere else."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from broker import compiled

RUN_SECONDS = 60
WHERE = "import broker.tasks; print(broker.tasks.__file__)"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Of what the mesh is made of, with nothing compiled."""
    folder = tmp_path / "checkout"
    for package in ("broker", "schema"):
        shutil.copytree(compiled.REPOSITORY / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def run(checkout: Path, code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if name != compiled.SWITCH}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=checkout,
        env=inherited | {"PYTHONPATH": str(checkout)} | environment,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
    )


def digest(checkout: Path) -> str:
    found = run(checkout, "from broker.compiled import digest; print(digest())")
    found.check_returncode()
    return found.stdout.strip()


def pretend_to_compile(checkout: Path, name: str) -> None:
    """What stands for a compiled module cannot be loaded, so that nobody can use it unnoticed."""
    file = checkout / "build" / "compiled" / name / "broker" / f"tasks{compiled.SUFFIX}"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"not what Python can load")


def test_lists_modules_that_are_there() -> None:
    assert [module for module in compiled.MODULES if not compiled.source_of(module).exists()] == []


def test_whatever_may_be_compiled_in_is_part_of_the_digest() -> None:
    final = {
        ".".join(file.relative_to(compiled.REPOSITORY).with_suffix("").parts)
        for package in ("broker", "schema")
        for file in (compiled.REPOSITORY / package).rglob("*.py")
        if re.search(r"^\w+: Final\b", file.read_text(), re.MULTILINE)
    }
    assert final <= {*compiled.MODULES, *compiled.INLINED}


def test_runs_as_plain_python_where_nothing_was_compiled(checkout: Path) -> None:
    assert run(checkout, WHERE).stdout.strip() == str(checkout / "broker" / "tasks.py")


def test_uses_what_was_compiled_from_these_sources_unless_told_otherwise(checkout: Path) -> None:
    pretend_to_compile(checkout, digest(checkout))
    assert f"tasks{compiled.SUFFIX}" in run(checkout, WHERE).stderr
    plain = run(checkout, WHERE, **{compiled.SWITCH: compiled.OFF})
    assert plain.stdout.strip() == str(checkout / "broker" / "tasks.py")


def test_does_not_use_what_was_compiled_before_a_source_was_edited(checkout: Path) -> None:
    before = digest(checkout)
    (checkout / "build" / "compiled" / before / "broker").mkdir(parents=True, exist_ok=True)
    source = checkout / "broker" / "tasks.py"
    source.write_text(source.read_text() + "\nEDITED = True\n")
    assert digest(checkout) != before
    assert run(checkout, WHERE).stdout.strip() == str(source)
