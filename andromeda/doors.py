"""Whether users are welcome here. While they are not, those who come are served and told not to stay.

An operator who takes a region out of service shuts its doors once names lead elsewhere: each answer then ends its
connection, so that whoever kept one looks the name up again, and within seconds nobody is left. Nobody is turned away.
"""

from __future__ import annotations

from collections.abc import Callable

from broker.clock import Clock, sleep
from schema.errors import Conflict

QUIET_SECONDS = 3.0
"""Without a request of a user: then those who were told by an old answer of DNS have gone too."""
LOOK_SECONDS = 0.05


class Doors:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._requested_at = 0.0
        self.shut = False
        self.connections: Callable[[], int] = int
        """How many are open."""

    def why_not(self) -> str | None:
        return "taken out of service by an operator" if self.shut else None

    def requested(self) -> None:
        """By a user, while they are shut."""
        self._requested_at = self._clock.now()

    def close(self) -> None:
        if not self.shut:
            self.shut = True
            self.requested()

    async def shut_until_empty(self) -> None:
        """Returns once nobody has come for a while, and nobody holds a connection. Raises `Conflict` if they are opened
        before."""
        self.close()
        while self.shut and not self._empty():
            await sleep(self._clock, LOOK_SECONDS)
        if not self.shut:
            raise Conflict("users were let in again meanwhile")

    async def open(self) -> None:
        self.shut = False

    def quiet_seconds(self) -> float:
        """Since a user came."""
        return self._clock.now() - self._requested_at

    def _empty(self) -> bool:
        return self.quiet_seconds() >= QUIET_SECONDS and not self.connections()
