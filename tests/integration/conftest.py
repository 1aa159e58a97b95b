"""Three real regions for all integration tests together: hubs, databases and tiers, supervised as by `make up`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.packages import why_embedded_now
from lab.trial import Trial, trial


@pytest.fixture(scope="session")
def hubs() -> Iterator[Trial]:
    """Hubs alone, secured as those of every laboratory, for tests that bring nodes of their own."""
    with trial("127.77.87.1", embedded=True, with_tiers=False) as running:
        yield running


@pytest.fixture(scope="session")
def regions() -> Iterator[Trial]:
    """Ready and empty, on the storage that `make up` would choose. A test that stops something restores it."""
    with trial(embedded=why_embedded_now() is not None) as running:
        yield running
