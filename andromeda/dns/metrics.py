"""What a watcher says of the regions to whoever watches it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from prometheus_client import CollectorRegistry, Gauge

from andromeda.dns.decisions import Decisions
from andromeda.dns.watcher import Watcher


def expose(registry: CollectorRegistry, regions: Iterable[str], watcher: Watcher, decisions: Decisions) -> None:
    names = list(regions)
    _gauge(registry, names, "named", "In the answers of the name server.", lambda region: region in watcher.named())
    _gauge(registry, names, "ready", "Can serve.", lambda region: watcher.problem_of(region) is None)
    _gauge(registry, names, "out", "Taken out by an operator.", lambda region: region in decisions.out())


def _gauge(
    registry: CollectorRegistry, regions: Iterable[str], name: str, explanation: str, holds: Callable[[str], bool]
) -> None:
    gauge = Gauge(f"localgroup_region_{name}", explanation, ["of"], registry=registry)
    for region in regions:
        gauge.labels(region).set_function(partial(_value, holds, region))


def _value(holds: Callable[[str], bool], region: str) -> float:
    return float(holds(region))
