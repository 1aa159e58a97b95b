"""Something done again and again, jittered, so that nodes that start together do not stay in step.

One round that fails does not end the others: a node without heartbeats would be lost to everybody."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from random import Random

from broker.clock import Clock, sleep
from broker.refusals import NotSent

JITTER = 0.1
"""Of the interval, to either side."""

logger = logging.getLogger(__name__)


async def every(
    clock: Clock, seconds: float | Callable[[], float], random: Random, step: Callable[[], Awaitable[None]]
) -> None:
    """`seconds` may be asked anew for each round."""
    while True:
        pause_seconds = seconds if isinstance(seconds, (int, float)) else seconds()
        await sleep(clock, pause_seconds * random.uniform(1 - JITTER, 1 + JITTER))
        try:
            await step()
        except NotSent as error:
            logger.debug("left out a round: %s", error)
        except Exception:
            logger.exception("a round failed; the next one comes")


class Rhythm:
    """The same as a part of a process, from its start to its stop."""

    def __init__(self, clock: Clock, seconds: float, random: Random, step: Callable[[], Awaitable[None]]) -> None:
        self._work = partial(every, clock, seconds, random, step)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._work())

    async def drain(self) -> None:
        """Nothing was begun that would have to end."""

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
