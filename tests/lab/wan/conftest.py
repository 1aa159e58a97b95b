"""Tests with real namespaces need root and a kernel with TUN devices.

Elsewhere they are not collected, and the summary says so; continuous integration does not allow that: there they are
collected, and fail.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.packages import why_embedded_now
from lab.trial import Trial, wan_trial
from lab.wan import namespaces
from lab.wan.territory import of_round_trips

REAL = ("test_network.py", "test_regions_apart.py", "test_crash.py", "test_galera_apart.py", "test_strategies.py")
OBJECTION = namespaces.why_not()
ALLOWED_TO_MISS = os.environ.get("CI") != "true"
ROUND_TRIPS_MS = {("near", "middle"): 2.0, ("near", "far"): 40.0, ("middle", "far"): 120.0}

collect_ignore = list(REAL) if OBJECTION and ALLOWED_TO_MISS else []
if not collect_ignore and why_embedded_now():
    collect_ignore = ["test_galera_apart.py"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for name in collect_ignore:
        why = OBJECTION or why_embedded_now()
        terminalreporter.write_line(f"NOT RUN {Path(__file__).parent / name}: {why}", yellow=True)


@pytest.fixture(scope="package")
def regions_apart() -> Iterator[Trial]:
    """Three whole regions, on the storage that `make lab` would choose, serving the sample."""
    territory = of_round_trips(("near", "middle", "far"), ROUND_TRIPS_MS)
    with wan_trial(territory, embedded=why_embedded_now() is not None) as found:
        found.load_sample()
        yield found
