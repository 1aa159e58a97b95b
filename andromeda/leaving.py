"""The signal that tells a gateway to shut its doors, for whoever restarts it where it runs.

SIGUSR2, which is what sends a hub's clients away, too. It stays that way until it is told to end, which is for whoever
sent it to time: after the names' TTL, or once nobody comes any more.
"""

from __future__ import annotations

import asyncio
import signal

from andromeda.doors import Doors

SIGNAL = signal.SIGUSR2


class Leaving:
    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    async def start(self) -> None:
        asyncio.get_running_loop().add_signal_handler(SIGNAL, self._begin)

    async def drain(self) -> None:
        """It is on its way out already."""

    async def stop(self) -> None:
        asyncio.get_running_loop().remove_signal_handler(SIGNAL)

    def _begin(self) -> None:
        self._doors.close()
