"""A number of pods follows a metric that the code exports, and somebody asks for that metric."""

from __future__ import annotations

from collections.abc import Iterator

from broker.observe.metrics import Metrics
from tests.k8s.objects import name_of, named, of_kind
from tests.k8s.rendering import Manifests

TIERS = {"whirlpool", "messier", "andromeda"}


def exported() -> set[str]:
    """Of every node, with what it measures at a moment."""
    return {metric.name for metric in Metrics().registry.collect() if metric.type == "gauge"}


def objections(manifests: Manifests) -> Iterator[str]:
    scalers = {name_of(each): each["spec"] for each in of_kind(manifests, "HorizontalPodAutoscaler")}
    monitors = {name_of(each) for each in of_kind(manifests, "ServiceMonitor")}
    yield from (f"{tier} does not scale" for tier in TIERS - scalers.keys())
    for name, spec in scalers.items():
        target = named(manifests, spec["scaleTargetRef"]["kind"], spec["scaleTargetRef"]["name"])
        if "replicas" in target["spec"]:
            yield f"{name}: each roll-out would undo what was scaled"
        if spec["minReplicas"] < 2:
            yield f"{name}: one is none while it is restarted"
        for metric in spec["metrics"]:
            if metric["pods"]["metric"]["name"] not in exported():
                yield f"{name}: nothing exports {metric['pods']['metric']['name']}"
        if name not in monitors:
            yield f"{name}: nobody collects its metrics"


def spoil(manifests: Manifests) -> None:
    scaler = named(manifests, "HorizontalPodAutoscaler", "messier")
    scaler["spec"]["metrics"][0]["pods"]["metric"]["name"] = "localgroup_requests_in_flight"
