"""Building an image needs root and buildah.

Elsewhere these tests are not collected, and the summary says so; continuous integration does not allow that: there they
are collected, and fail.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image.container import Root, Storage, why_not

OBJECTION = why_not()
collect_ignore = ["test_image.py", "test_hubs.py"] if OBJECTION and os.environ.get("CI") != "true" else []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if collect_ignore:
        terminalreporter.write_line(f"NOT RUN {Path(__file__).parent}: {OBJECTION}", yellow=True)


@pytest.fixture(scope="package")
def storage() -> Iterator[Storage]:
    folder = Path(tempfile.mkdtemp(prefix="localgroup-image-"))
    folder.chmod(0o755)
    made = Storage(folder)
    try:
        yield made
    finally:
        made.buildah("rm", "--all")
        made.buildah("rmi", "--all", "--force")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="package")
def image(storage: Storage) -> str:
    return storage.build(storage.base())


@pytest.fixture(scope="package")
def root(storage: Storage, image: str) -> Root:
    return Root(storage.mount(image))
