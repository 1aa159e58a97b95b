"""The metric of what the servers complained of, counted when somebody looks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from broker.nats.faults import Fault, Faults


@runtime_checkable
class Faulty(Protocol):
    """A transport that keeps count."""

    @property
    def faults(self) -> Faults: ...


class FaultsSeen(Collector):
    """Every kind is always there, so that an alarm may watch one that has never happened."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def describe(self) -> Iterator[Metric]:
        yield _family()

    def collect(self) -> Iterator[Metric]:
        family = _family()
        for fault in Fault:
            family.add_metric((fault.value,), self._faults.counts[fault])
        yield family


def _family() -> CounterMetricFamily:
    return CounterMetricFamily("localgroup_nats_faults", "What the hubs complained of", labels=("fault",))
