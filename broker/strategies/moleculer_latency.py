"""Moleculer's `LatencyStrategy`, rule by rule (0.15.2), to compare with and for meshes that are used to it.

Each host is pinged every ten seconds through one of its nodes; its latency is the plain mean of the last five round
trips in whole milliseconds. Of five endpoints picked at random (of all, in order, where there are five at most) the
first with less than ten milliseconds is taken, else the one with the least, else any. It knows no load, no service
time and no failures, and a host that answers no pings keeps the mean that it had.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container, Iterator, Sequence
from random import Random
from statistics import fmean

from broker.discovery.registry import Endpoint
from broker.strategies.strategy import NOBODY, Unheeding, admitted

SAMPLE_COUNT = 5
LOW_LATENCY_MILLISECONDS = 10.0
COLLECT_COUNT = 5
PING_INTERVAL_SECONDS = 10.0
HOSTS_MAX = 4_096


def own_host(node: str) -> str:
    """Where each node has a host of its own, as pods have."""
    return node


class MoleculerLatency(Unheeding):
    def __init__(self, now: Callable[[], float], random: Random, host_of: Callable[[str], str] = own_host) -> None:
        self._now = now
        self._random = random
        self._host_of = host_of
        self._latencies: dict[str, deque[int]] = {}
        self._pinged_at_seconds: float | None = None

    def choose(
        self, candidates: Sequence[Endpoint], avoided: Container[str] = NOBODY, key: str | None = None
    ) -> Endpoint:
        fit = admitted(candidates, avoided)
        best, best_milliseconds = None, 0.0
        for endpoint in self._sampled(fit):
            latencies = self._latencies.get(self._host_of(endpoint.node))
            if latencies is None:
                continue
            milliseconds = fmean(latencies)
            if milliseconds < LOW_LATENCY_MILLISECONDS:
                return endpoint
            if best is None or milliseconds < best_milliseconds:
                best, best_milliseconds = endpoint, milliseconds
        return best or self._random.choice(fit)

    def measured(self, node: str, region: str, rtt_seconds: float) -> None:
        host = self._host_of(node)
        if host in self._latencies or len(self._latencies) < HOSTS_MAX:
            self._latencies.setdefault(host, deque(maxlen=COLLECT_COUNT)).append(round(rtt_seconds * 1000))

    def left(self, node: str) -> None:
        self._latencies.pop(self._host_of(node), None)

    def probes_wanted(self, candidates: Sequence[Endpoint]) -> Sequence[str]:
        """At the start every node, then one node of each host at each interval."""
        now = self._now()
        if self._pinged_at_seconds is None:
            self._pinged_at_seconds = now
            return [each.node for each in candidates]
        if now - self._pinged_at_seconds < PING_INTERVAL_SECONDS:
            return ()
        self._pinged_at_seconds = now
        hosts: dict[str, list[str]] = {}
        for each in candidates:
            hosts.setdefault(self._host_of(each.node), []).append(each.node)
        return [self._random.choice(nodes) for nodes in hosts.values()]

    def _sampled(self, candidates: Sequence[Endpoint]) -> Iterator[Endpoint]:
        if len(candidates) <= SAMPLE_COUNT:
            return iter(candidates)
        return (self._random.choice(candidates) for _ in range(SAMPLE_COUNT))
