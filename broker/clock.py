"""Time as an argument: the mesh asks a clock, so that a test can move it and no test has to wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    def cancel(self) -> None: ...


class Clock(Protocol):
    def now(self) -> float:
        """Seconds that only ever grow, from an arbitrary start."""
        ...

    def epoch_milliseconds(self) -> int: ...

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer: ...


class SystemClock:
    now = staticmethod(time.monotonic)
    """The function itself: it is asked several times in each call."""

    def epoch_milliseconds(self) -> int:
        return time.time_ns() // 1_000_000

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        return asyncio.get_running_loop().call_later(seconds, callback)


async def sleep(clock: Clock, seconds: float) -> None:
    """Wait by this clock."""
    elapsed = asyncio.Event()
    timer = clock.call_later(seconds, elapsed.set)
    try:
        await elapsed.wait()
    finally:
        timer.cancel()
