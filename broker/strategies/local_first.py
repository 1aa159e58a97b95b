"""What a queue group of NATS does: any member of the own cluster while there is one, else of the nearest cluster.

It knows no load: nothing spills over, however busy the own region is.
"""

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from random import Random

from broker.discovery.nodes_seen import REGIONS_MAX
from broker.discovery.registry import Endpoint
from broker.strategies.strategy import NOBODY, Unheeding, admitted


class LocalFirst(Unheeding):
    def __init__(self, region: str, random: Random) -> None:
        self._region = region
        self._random = random
        self._rtt_seconds: dict[str, float] = {}

    def choose(
        self, candidates: Sequence[Endpoint], avoided: Container[str] = NOBODY, key: str | None = None
    ) -> Endpoint:
        fit = admitted(candidates, avoided)
        nearest = min({each.region for each in fit}, key=self._distance)
        return self._random.choice([each for each in fit if each.region == nearest])

    def measured(self, node: str, region: str, rtt_seconds: float) -> None:
        if region in self._rtt_seconds or len(self._rtt_seconds) < REGIONS_MAX:
            self._rtt_seconds[region] = rtt_seconds

    def probes_wanted(self, candidates: Sequence[Endpoint]) -> Sequence[str]:
        """Gateways of NATS watch their round trips too."""
        return list({each.region: each.node for each in candidates}.values())

    def _distance(self, region: str) -> tuple[bool, float, str]:
        return region != self._region, self._rtt_seconds.get(region, math.inf), region
