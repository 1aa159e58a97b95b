"""Waiting for a condition, with a deadline, in place of sleeping for a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

DEADLINE_SECONDS = 10.0
POLL_SECONDS = 0.005


async def eventually(condition: Callable[[], object], deadline_seconds: float = DEADLINE_SECONDS) -> None:
    """Returns once the condition holds; raises `TimeoutError` if it does not in time."""
    async with asyncio.timeout(deadline_seconds):
        while not condition():  # noqa: ASYNC110 (nobody tells)
            await asyncio.sleep(POLL_SECONDS)
