"""The newest version of each document that anything has told this node of: an event, or an earlier read.

It is forgotten after a while. A replica lags for seconds; versions that stay behind for longer come from another
history, such as a restored backup, and then the store is right and the memory is wrong.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from broker.clock import Clock

REMEMBERED_SECONDS = 600.0
"""Far longer than any replica that still serves lags behind."""
CAPACITY_KEYS = 4096
"""Forty times the documents of the largest catalogue known."""


@dataclass(frozen=True, slots=True)
class Sighting:
    version: int
    at_seconds: float


class NewestVersions:
    def __init__(
        self, clock: Clock, *, remembered_seconds: float = REMEMBERED_SECONDS, capacity_keys: int = CAPACITY_KEYS
    ) -> None:
        self._clock = clock
        self._remembered_seconds = remembered_seconds
        self._capacity_keys = capacity_keys
        self._sightings: OrderedDict[str, Sighting] = OrderedDict()

    def observe(self, key: str, version: int) -> bool:
        """Whether this is news: an older version was known. Seeing the same one again keeps it remembered."""
        known = self.newest(key)
        if version >= known:
            self._remember(key, version)
        return 0 < known < version

    def newest(self, key: str) -> int:
        """0 where nothing is known."""
        sighting = self._sightings.get(key)
        if sighting is None:
            return 0
        if self._clock.now() - sighting.at_seconds > self._remembered_seconds:
            del self._sightings[key]
            return 0
        return sighting.version

    def _remember(self, key: str, version: int) -> None:
        self._sightings[key] = Sighting(version, self._clock.now())
        self._sightings.move_to_end(key)
        if len(self._sightings) > self._capacity_keys:
            self._sightings.popitem(last=False)
