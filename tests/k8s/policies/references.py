"""Every name refers to something: an object of the region, or a Secret that `python -m lab cluster-secrets` makes."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from lab.cluster_secrets import write
from tests.k8s.objects import Pod, container, containers, name_of, of_kind, pods
from tests.k8s.rendering import REGIONS, Manifests

OF_CERTIFICATES = {"tls.crt", "tls.key", "ca.crt"}
HOST = re.compile(r"\b(?:nats|galera)-(?:west|central|east)\b")
Keys = Mapping[tuple[str, str], set[str]]


@cache
def secrets() -> Mapping[str, set[str]]:
    with tempfile.TemporaryDirectory() as folder:
        path, *_ = write(Path(folder), REGIONS)
        return {each["metadata"]["name"]: set(each["stringData"]) for each in yaml.safe_load_all(path.read_text())}


def objections(manifests: Manifests) -> Iterator[str]:
    there = _there(manifests)
    for pod in pods(manifests):
        for kind, name, key, optional in _wanted(pod):
            held = there.get((kind, name))
            if (held is None and not optional) or (held is not None and key is not None and key not in held):
                yield f"{pod} wants {key or 'all'} of {kind} {name}, which is not there"
        yield from _volumes(pod)
    yield from _issuers(manifests, there)
    yield from _services(manifests)


def _there(manifests: Manifests) -> Keys:
    held = {("ConfigMap", name_of(each)): set(each["data"]) for each in of_kind(manifests, "ConfigMap")}
    held |= {("Secret", each["spec"]["secretName"]): OF_CERTIFICATES for each in of_kind(manifests, "Certificate")}
    return held | {("Secret", name): keys for name, keys in secrets().items()}


def _wanted(pod: Pod) -> Iterator[tuple[str, str, str | None, bool]]:
    """Kind, name, key, and whether it can do without."""
    for each in containers(pod):
        for variable in each.get("env", ()):
            for kind, reference in _keyed(variable.get("valueFrom", {})):
                yield kind, reference["name"], reference["key"], False
    for volume in pod.spec.get("volumes", ()):
        for source in volume.get("projected", {}).get("sources", [volume]):
            for kind, found, label in (
                ("ConfigMap", source.get("configMap"), "name"),
                ("Secret", source.get("secret"), "secretName"),
            ):
                if found is not None:
                    for item in found.get("items", [{"key": None}]):
                        yield kind, found.get(label) or found["name"], item["key"], found.get("optional", False)


def _keyed(given: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, str]]]:
    if "configMapKeyRef" in given:
        yield "ConfigMap", given["configMapKeyRef"]
    if "secretKeyRef" in given:
        yield "Secret", given["secretKeyRef"]


def _volumes(pod: Pod) -> Iterator[str]:
    claims = [claim["metadata"]["name"] for claim in pod.workload["spec"].get("volumeClaimTemplates", ())]
    known = {volume["name"] for volume in pod.spec.get("volumes", ())} | set(claims)
    mounted = {mount["name"] for each in containers(pod) for mount in each.get("volumeMounts", ())}
    yield from (f"{pod} mounts {name}, which is no volume of it" for name in mounted - known)
    yield from (f"{pod} has a volume {name} that nobody mounts" for name in known - mounted)


def _issuers(manifests: Manifests, there: Keys) -> Iterator[str]:
    issuers = {name_of(each): each for each in of_kind(manifests, "Issuer")}
    for each in of_kind(manifests, "Certificate"):
        if each["spec"]["issuerRef"]["name"] not in issuers:
            yield f"Certificate {name_of(each)} has no issuer"
    for name, each in issuers.items():
        if ("Secret", each["spec"]["ca"]["secretName"]) not in there:
            yield f"Issuer {name} has no authority"


def _services(manifests: Manifests) -> Iterator[str]:
    services = {name_of(each): each for each in of_kind(manifests, "Service")}
    for each in of_kind(manifests, "StatefulSet"):
        if services.get(each["spec"]["serviceName"], {}).get("spec", {}).get("clusterIP") != "None":
            yield f"StatefulSet {name_of(each)} has no headless Service"
    texts = {name_of(each): "\n".join(each["data"].values()) for each in of_kind(manifests, "ConfigMap")}
    for name, text in texts.items():
        yield from (
            f"ConfigMap {name} names {host}, which is no Service" for host in set(HOST.findall(text)) - services.keys()
        )
    slices = {each["metadata"]["labels"]["kubernetes.io/service-name"] for each in of_kind(manifests, "EndpointSlice")}
    yield from (f"an EndpointSlice is of {name}, which is no Service" for name in slices - services.keys())
    empty = {name for name, each in services.items() if "selector" not in each["spec"]}
    yield from (f"Service {name} leads nowhere" for name in empty - slices)


def spoil(manifests: Manifests) -> None:
    container(manifests, "whirlpool")["env"][-1]["valueFrom"]["secretKeyRef"]["name"] = "databases"
