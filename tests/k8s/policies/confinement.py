"""A process that was taken over finds nothing to go on with: no root, no disk to write to, no capability, no token."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.k8s.objects import container, containers, pods
from tests.k8s.rendering import Manifests

POD: dict[str, Any] = {"automountServiceAccountToken": False, "enableServiceLinks": False}
CONTAINER: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
FORBIDDEN = ("hostNetwork", "hostPID", "hostIPC")


def objections(manifests: Manifests) -> Iterator[str]:
    for pod in pods(manifests):
        context = pod.spec.get("securityContext", {})
        yield from (f"{pod}: {key} must be {value}" for key, value in POD.items() if pod.spec.get(key) != value)
        if context.get("runAsNonRoot") is not True or not context.get("runAsUser"):
            yield f"{pod}: may be root"
        if context.get("seccompProfile") != {"type": "RuntimeDefault"}:
            yield f"{pod}: may make any system call"
        if any(pod.spec.get(key) for key in FORBIDDEN) or any(
            "hostPath" in each for each in pod.spec.get("volumes", ())
        ):
            yield f"{pod}: has a part of its machine"
        for each in containers(pod):
            own = each.get("securityContext", {})
            if own != CONTAINER:
                yield f"{pod}: {each['name']} is not confined: {own}"


def spoil(manifests: Manifests) -> None:
    container(manifests, "galera")["securityContext"]["readOnlyRootFilesystem"] = False
