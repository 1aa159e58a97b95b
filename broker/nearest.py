"""Nearest first: this node, then this region, then the region that answers pings fastest, unknown ones last.

Inside a region the less busy of two nodes picked at random gets the call: it spreads load as well as asking all of
them, and does not send every caller to the same one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from random import Random

from broker.registry import Endpoint


class Nearest:
    def __init__(
        self, region: str, rtt_seconds: Callable[[str], float | None], in_flight: Callable[[str], int], random: Random
    ) -> None:
        """`rtt_seconds` and `in_flight` are asked about nodes."""
        self._region = region
        self._rtt_seconds = rtt_seconds
        self._in_flight = in_flight
        self._random = random

    def choose(self, candidates: Sequence[Endpoint]) -> Endpoint:
        if len(candidates) == 1:
            return candidates[0]
        for endpoint in candidates:
            if endpoint.local:
                return endpoint
        return self._less_busy(self._of_nearest_region(candidates))

    def _of_nearest_region(self, candidates: Sequence[Endpoint]) -> Sequence[Endpoint]:
        own = [endpoint for endpoint in candidates if endpoint.region == self._region]
        if own:
            return own
        nearest = min(candidates, key=self._distance_seconds).region
        return [endpoint for endpoint in candidates if endpoint.region == nearest]

    def _distance_seconds(self, endpoint: Endpoint) -> float:
        rtt_seconds = self._rtt_seconds(endpoint.node)
        return math.inf if rtt_seconds is None else rtt_seconds

    def _less_busy(self, candidates: Sequence[Endpoint]) -> Endpoint:
        if len(candidates) == 1:
            return candidates[0]
        return min(self._random.sample(candidates, 2), key=lambda endpoint: self._in_flight(endpoint.node))
