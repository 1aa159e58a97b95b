"""A block that ends at its deadline, with a timer of its own: for what is waited for now and then.

Work on requests, of which thousands run at once, has `cut_off.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from broker.policies.deadline import Deadline


@asynccontextmanager
async def cut_off_at(deadline: Deadline) -> AsyncIterator[None]:
    """Raises `TimeoutError` inside the block when the deadline passes."""
    async with asyncio.timeout(None) as scope:
        timer = deadline.clock.call_later(deadline.remaining_seconds(), lambda: scope.reschedule(0))
        try:
            yield
        finally:
            timer.cancel()
