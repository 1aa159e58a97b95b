"""What a caller could do at best: it sees into every node, knows every path and what work takes on average.

It knows what cannot be known, how many requests are on their way to each node from everybody, but neither how long this
very request will take nor what comes next: it picks the node with the least expected time, now.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from random import Random

from bench.strategy_world import Mode, World
from broker.discovery.registry import Endpoint
from broker.strategies.strategy import NOBODY, Unheeding, admitted

QUEUE_WEIGHT = 3.0
"""Whoever waits in a queue delays those behind, so that the least time for each call is not the least for all. Near a
region at 1.7 times its capacity, with 1 some calls find every queue full, with 4 the mean is least and the 99th
percentile is a tenth worse: this refuses nobody and is good at both."""


def expected_seconds(path_seconds: float, work_seconds: float, in_system: int, concurrency: int) -> float:
    """Until a node with so many requests before this one answers it."""
    wait_seconds = max(0, in_system + 1 - concurrency) / concurrency * work_seconds
    return path_seconds + work_seconds + QUEUE_WEIGHT * wait_seconds


class Oracle(Unheeding):
    def __init__(self, world: World, region: str, work_seconds: float, random: Random) -> None:
        self._world = world
        self._region = region
        self._work_seconds = work_seconds
        self._random = random

    def choose(
        self, candidates: Sequence[Endpoint], avoided: Container[str] = NOBODY, key: str | None = None
    ) -> Endpoint:
        return min(admitted(candidates, avoided), key=self._seconds)

    def _seconds(self, endpoint: Endpoint) -> tuple[bool, float, float, float]:
        node = self._world.nodes[endpoint.node]
        work_seconds = self._work_seconds * node.times_usual
        in_system = node.in_system + node.coming
        path_seconds = self._world.rtt_seconds[self._region, node.region]
        seconds = expected_seconds(path_seconds, work_seconds, in_system, node.concurrency)
        return node.mode is not Mode.WELL, seconds, in_system / node.concurrency, self._random.random()
