"""Three real regions for all integration tests together: hubs, databases and tiers, supervised as by `make up`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import name_servers, resolver
from lab.packages import why_embedded_now
from lab.trial import Trial, trial

WHY_NO_NAMES = name_servers.why_none() or (None if shutil.which(resolver.SERVER) else "unbound is not installed")
collect_ignore = (
    [] if WHY_NO_NAMES is None or os.environ.get("CI") == "true" else ["test_names.py", "test_regrouping.py"]
)
"""Where nothing may be installed there is no DNS; continuous integration does not allow that."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for name in collect_ignore:
        where = Path(__file__).parent / name
        terminalreporter.write_line(f"NOT RUN {where}: {WHY_NO_NAMES}", yellow=True)


@pytest.fixture(scope="session")
def hubs() -> Iterator[Trial]:
    """Hubs alone, secured as those of every laboratory, for tests that bring nodes of their own."""
    with trial("127.77.87.1", embedded=True, with_tiers=False) as running:
        yield running


@pytest.fixture(scope="session")
def regions() -> Iterator[Trial]:
    """Ready and empty, on the storage that `make up` would choose. A test that stops something restores it."""
    with trial(embedded=why_embedded_now() is not None, dns=name_servers.why_none() is None) as running:
        yield running
