"""The metric of how far away the regions are: the least round trip to any of their nodes, asked when somebody looks."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from broker.discovery.nodes_seen import REGIONS_MAX
from broker.discovery.registry import Registry
from broker.strategies.latency import Latency


class Distances(Collector):
    def __init__(self, registry: Registry, latency: Latency) -> None:
        self._registry = registry
        self._latency = latency

    def describe(self) -> Iterator[Metric]:
        yield _family()

    def collect(self) -> Iterator[Metric]:
        least: dict[str, float] = {}
        for node in self._registry:
            seconds = self._latency.minimum_seconds(node.info.node) if node.available else None
            region = node.info.region
            if seconds is not None and (region in least or len(least) < REGIONS_MAX):
                least[region] = min(seconds, least.get(region, seconds))
        family = _family()
        for region, seconds in least.items():
            family.add_metric((region,), seconds)
        yield family


def _family() -> GaugeMetricFamily:
    text = "Least round trip to a node of the region"
    return GaugeMetricFamily("localgroup_region_seconds", text, labels=("to_region",))
