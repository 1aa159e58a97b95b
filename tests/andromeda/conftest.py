from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.andromeda.region import Region, region


@pytest.fixture
async def west() -> AsyncIterator[Region]:
    async with region() as west:
        yield west


@pytest.fixture(scope="session")
async def steady() -> AsyncIterator[Region]:
    """For tests that change nothing."""
    async with region() as steady:
        yield steady
