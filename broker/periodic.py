"""Something done again and again, jittered, so that nodes that start together do not stay in step."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from random import Random

from broker.clock import Clock, sleep
from broker.refusals import NotSent

JITTER = 0.1
"""Of the interval, to either side."""


async def every(clock: Clock, seconds: float, random: Random, step: Callable[[], Awaitable[None]]) -> None:
    while True:
        await sleep(clock, seconds * random.uniform(1 - JITTER, 1 + JITTER))
        with contextlib.suppress(NotSent):  # the next round may find a connection
            await step()
