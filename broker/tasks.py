"""Tasks that nobody awaits: kept alive, counted, and their defects logged.

That something was not sent for want of a connection is no defect: who waits for it learns of that by itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from broker.clock import Clock
from broker.refusals import NotSent

logger = logging.getLogger(__name__)


class Tasks:
    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    async def finish(self, clock: Clock, seconds: float) -> bool:
        """Wait for all of them, and for those they start, at most so long. Whether all finished."""
        passed = asyncio.Event()
        timer = clock.call_later(seconds, passed.set)
        expiry = asyncio.ensure_future(passed.wait())
        try:
            while self._tasks and not expiry.done():
                await asyncio.wait({expiry, *self._tasks}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
            expiry.cancel()
        return not self._tasks

    async def cancel(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (defect := task.exception()) is None:
            return
        if isinstance(defect, NotSent):
            logger.debug("not sent: %s", defect)
        else:
            logger.error("a task failed", exc_info=defect)
