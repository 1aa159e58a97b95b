"""Maintenance takes one pod of a kind at a time, and what is there twice is on two machines."""

from __future__ import annotations

from collections.abc import Iterator

from tests.k8s.objects import SERVING, Pod, matches, of_kind, pod, pods
from tests.k8s.rendering import Manifests

PLACES = {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}


def objections(manifests: Manifests) -> Iterator[str]:
    budgets = [each["spec"] for each in of_kind(manifests, "PodDisruptionBudget")]
    for each in pods(manifests, *SERVING):
        chosen = [budget for budget in budgets if matches(budget["selector"], each.labels)]
        if [budget.get("maxUnavailable") for budget in chosen] != [1]:
            yield f"{each} needs one budget of one pod at a time"
        if not _alone(each) and not _spread(each) >= PLACES:
            yield f"{each} may have all its pods in one place"


def _alone(each: Pod) -> bool:
    return bool(each.workload["spec"].get("replicas") == 1)


def _spread(each: Pod) -> set[str]:
    return {constraint["topologyKey"] for constraint in each.spec.get("topologySpreadConstraints", ())}


def spoil(manifests: Manifests) -> None:
    del pod(manifests, "whirlpool").spec["topologySpreadConstraints"][0]
