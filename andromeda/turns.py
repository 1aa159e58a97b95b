"""How many requests may use the mesh at once, and how many may wait for that.

Rendering a large document takes many times its size in memory, so a burst of cold keys waits in line rather than
in memory; and a line that is full refuses at once instead of growing.
"""

from __future__ import annotations

import asyncio
from types import TracebackType

from schema.errors import TooMany


class Turns:
    def __init__(self, at_once: int, waiting: int) -> None:
        self._semaphore = asyncio.Semaphore(at_once)
        self._capacity = at_once + waiting
        self._present = 0

    async def __aenter__(self) -> None:
        if self._present >= self._capacity:
            raise TooMany("too many requests are waiting here; try again shortly")
        self._present += 1
        try:
            await self._semaphore.acquire()
        except BaseException:
            self._present -= 1
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._present -= 1
        self._semaphore.release()
