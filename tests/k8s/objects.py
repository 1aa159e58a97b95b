"""Finding one's way in manifests: kinds, pods, containers, labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tests.k8s.rendering import Manifest, Manifests

SERVING = ("Deployment", "StatefulSet")
WORKLOADS = (*SERVING, "Job")
NAME = "app.kubernetes.io/name"


class Pod(NamedTuple):
    """A workload's template."""

    kind: str
    name: str
    labels: Mapping[str, str]
    spec: dict[str, Any]
    workload: Manifest

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def of_kind(manifests: Manifests, *kinds: str) -> Iterator[Manifest]:
    return (each for each in manifests if each["kind"] in kinds)


def named(manifests: Manifests, kind: str, name: str) -> Manifest:
    return next(each for each in of_kind(manifests, kind) if each["metadata"]["name"] == name)


def name_of(manifest: Manifest) -> str:
    return str(manifest["metadata"]["name"])


def pods(manifests: Manifests, *kinds: str) -> Iterator[Pod]:
    for each in of_kind(manifests, *(kinds or WORKLOADS)):
        template = each["spec"]["template"]
        yield Pod(each["kind"], name_of(each), template["metadata"]["labels"], template["spec"], each)


def pod(manifests: Manifests, name: str) -> Pod:
    return next(each for each in pods(manifests) if each.name == name)


def serving_containers(found: Pod) -> list[dict[str, Any]]:
    return list(found.spec["containers"])


def containers(found: Pod) -> list[dict[str, Any]]:
    return [*found.spec.get("initContainers", []), *found.spec["containers"]]


def container(manifests: Manifests, name: str) -> dict[str, Any]:
    """Of the workload of that name, its first."""
    return serving_containers(pod(manifests, name))[0]


def matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """A selector with `matchLabels` and `matchExpressions`, as far as these manifests use them."""
    for expression in selector.get("matchExpressions", ()):
        assert expression["operator"] == "In", expression
        if labels.get(expression["key"]) not in expression["values"]:
            return False
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())


def ports_of(found: Pod) -> dict[str, int]:
    """By name."""
    return {port["name"]: port["containerPort"] for each in serving_containers(found) for port in each.get("ports", ())}


def command_line(each: Mapping[str, Any]) -> list[str]:
    return [*each.get("command", ()), *each.get("args", ())]
