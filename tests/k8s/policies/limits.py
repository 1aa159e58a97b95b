"""Every container says what it needs and gets no more memory than that allows: one that leaks ends alone."""

from __future__ import annotations

from collections.abc import Iterator

from tests.k8s.objects import container, containers, pods
from tests.k8s.rendering import Manifests


def objections(manifests: Manifests) -> Iterator[str]:
    for pod in pods(manifests):
        for each in containers(pod):
            for bound in ("requests", "limits"):
                for resource in ("cpu", "memory"):
                    if resource not in each.get("resources", {}).get(bound, {}):
                        yield f"{pod}: {each['name']} has no {bound} of {resource}"


def spoil(manifests: Manifests) -> None:
    del container(manifests, "nats")["resources"]["limits"]["memory"]
