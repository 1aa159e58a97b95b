"""The metric of the nodes that this one sees, counted when somebody looks and not at each of a thousand changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from broker.discovery.registry import Registry

REGIONS_MAX = 64
"""A region's name is a stranger's text: beyond so many the rest share a label."""
OTHER = "other"


class NodesSeen(Collector):
    """A region stays listed with 0 for as long as people are to see that it is missing."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def describe(self) -> Iterator[Metric]:
        yield _family()

    def collect(self) -> Iterator[Metric]:
        seen: Counter[str] = Counter()
        for node in self._registry:
            region = node.info.region
            label = region if region in seen or len(seen) < REGIONS_MAX else OTHER
            seen[label] += node.available
        family = _family()
        for region, count in seen.items():
            family.add_metric((region,), count)
        yield family


def _family() -> GaugeMetricFamily:
    return GaugeMetricFamily("localgroup_nodes", "Nodes that this one sees", labels=("region",))
