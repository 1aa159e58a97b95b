"""How far away each region is: the least round trip to any of its nodes within the last second or so.

The least, since queues and pauses only ever add to a path; to any node, since those of a region share it; of the last
second, since paths change. A region of which nothing new is known keeps its last figure: an average that decays would
make an idle region far away look near.
"""

from __future__ import annotations

from broker.discovery.nodes_seen import REGIONS_MAX

WINDOW_SECONDS = 0.5
"""The least of this window and of the one before it counts, so a change is believed after one second at most."""
OWN_SECONDS = 0.001
"""Of the own region until it is measured."""
UNKNOWN_SECONDS = 0.25
"""Of another region until it is measured: farther than any on this planet, so the measured ones come first."""
ABROAD_SECONDS = 0.005
"""No other region counts as nearer than this: for less, calls would go to and fro between regions that are as near."""
STALE_SECONDS = 1.0
"""After so long without a sample, one is asked for."""


class Path:
    __slots__ = (
        "_before",
        "_floor_seconds",
        "_least",
        "_since_seconds",
        "measured",
        "probed_at_seconds",
        "sampled_at_seconds",
        "seconds",
    )

    def __init__(self, seconds: float, now_seconds: float, floor_seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.measured = False
        self._floor_seconds = floor_seconds
        self._least = self._before = seconds
        self._since_seconds = now_seconds
        self.sampled_at_seconds = self.probed_at_seconds = now_seconds - STALE_SECONDS

    def note(self, seconds: float, now_seconds: float) -> None:
        age = now_seconds - self._since_seconds
        if not self.measured or age >= 2 * WINDOW_SECONDS:
            self._before = self._least = seconds
            self._since_seconds, self.measured = now_seconds, True
        elif age >= WINDOW_SECONDS:
            self._before, self._least = self._least, seconds
            self._since_seconds = now_seconds
        elif seconds < self._least:
            self._least = seconds
        self.sampled_at_seconds = now_seconds
        self.seconds = max(self._floor_seconds, min(self._before, self._least))

    def wants_probe(self, now_seconds: float) -> bool:
        return now_seconds - max(self.sampled_at_seconds, self.probed_at_seconds) >= STALE_SECONDS


class Paths:
    def __init__(self, own_region: str) -> None:
        self._own_region = own_region
        self._paths: dict[str, Path] = {}

    def of(self, region: str, now_seconds: float) -> Path:
        path = self._paths.get(region)
        if path is None:
            if len(self._paths) >= REGIONS_MAX:
                del self._paths[next(iter(self._paths))]
            if region == self._own_region:
                path = Path(OWN_SECONDS, now_seconds)
            else:
                path = Path(UNKNOWN_SECONDS, now_seconds, ABROAD_SECONDS)
            self._paths[region] = path
        return path
