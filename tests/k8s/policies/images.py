"""An image is named by a version: what runs is what was rolled out, whoever pulls it again."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.k8s.objects import container, containers, pods
from tests.k8s.rendering import Manifests

VERSIONED = re.compile(r"[a-z0-9.-]+(:\d+)?(/[a-z0-9._-]+)+(:(?!latest$)[A-Za-z0-9._-]+|@sha256:[0-9a-f]{64})")


def objections(manifests: Manifests) -> Iterator[str]:
    for pod in pods(manifests):
        for each in containers(pod):
            if not VERSIONED.fullmatch(each["image"]):
                yield f"{pod}: {each['image']} is not an image of one version"


def spoil(manifests: Manifests) -> None:
    container(manifests, "messier")["image"] = "registry.example.org/localgroup:latest"
