"""What can be reached from outside of a region: users' pages, names, and for other regions alone hubs and databases."""

from __future__ import annotations

from collections.abc import Iterator

from lab.regions import GALERA_GROUP, GALERA_INCREMENTAL, GALERA_STATE, NATS, NATS_GATEWAY
from tests.k8s.objects import name_of, named, of_kind
from tests.k8s.rendering import REGIONS, Manifests, team

TO_ALL = {"andromeda": {80}, "names": {53}}
TO_REGIONS = {"nats-regions": {NATS, NATS_GATEWAY}, "galera-regions": {GALERA_GROUP, GALERA_INCREMENTAL, GALERA_STATE}}


def objections(manifests: Manifests) -> Iterator[str]:
    here = named(manifests, "ConfigMap", "region")["data"]["name"]
    others = {team()[f"{region}.network"] for region in REGIONS if region != here}
    for each in of_kind(manifests, "Service"):
        name, spec = name_of(each), each["spec"]
        kind = spec.get("type", "ClusterIP")
        ports = {port["port"] for port in spec["ports"]}
        if kind == "ClusterIP" and not spec.get("externalIPs"):
            continue
        if kind != "LoadBalancer" or ports != (TO_ALL | TO_REGIONS).get(name):
            yield f"Service {name} opens {sorted(ports)} to the world"
        if name in TO_REGIONS and set(spec.get("loadBalancerSourceRanges", ())) != others:
            yield f"Service {name} must be for the other regions' networks alone"
        if spec.get("externalTrafficPolicy") != "Local":
            yield f"Service {name} hides who asks"
    yield from (f"{kind} is another way in" for kind in ("Ingress", "Gateway") if any(of_kind(manifests, kind)))


def spoil(manifests: Manifests) -> None:
    named(manifests, "Service", "galera-regions")["spec"]["loadBalancerSourceRanges"].append("0.0.0.0/0")
