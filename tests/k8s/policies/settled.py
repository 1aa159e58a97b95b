"""What the team says stands everywhere where it belongs: addresses are addresses, networks are networks."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from tests.k8s.objects import name_of, named, of_kind
from tests.k8s.rendering import REGIONS, Manifest, Manifests, team

SERVICES = {"andromeda": "users", "names": "names", "nats-regions": "nats", "galera-regions": "galera"}


def objections(manifests: Manifests) -> Iterator[str]:
    here = named(manifests, "ConfigMap", "region")["data"]["name"]
    for service, key in SERVICES.items():
        if named(manifests, "Service", service)["spec"]["loadBalancerIP"] != team()[f"{here}.{key}"]:
            yield f"Service {service} has not the address of {here}.{key}"
    for each in of_kind(manifests, "EndpointSlice"):
        kind, _, region = name_of(each).partition("-")
        if _addresses(each) != [team()[f"{region}.{kind}"]]:
            yield f"EndpointSlice {name_of(each)} is not at {region}.{kind}"
    for each in of_kind(manifests, "NetworkPolicy"):
        for block in _blocks(each):
            if block not in _blocks_of_team(here):
                yield f"NetworkPolicy {name_of(each)} has {block}, which is no other region's"
    if named(manifests, "ConfigMap", "names")["data"]["regions.toml"] != team()["regions.toml"]:
        yield "the name server has another declaration"


def _addresses(each: Manifest) -> list[str]:
    return [str(ip_address(address)) for end in each["endpoints"] for address in end["addresses"]]


def _blocks(each: Manifest) -> Iterator[str]:
    for side, peers in (("ingress", "from"), ("egress", "to")):
        for rule in each["spec"].get(side, ()):
            yield from (peer["ipBlock"]["cidr"] for peer in rule.get(peers, ()) if "ipBlock" in peer)


def _blocks_of_team(here: str) -> set[str]:
    found = set()
    for region in REGIONS:
        if region != here:
            found |= {f"{team()[f'{region}.{key}']}/32" for key in SERVICES.values()}
            found.add(str(ip_network(team()[f"{region}.network"])))
    return found


def spoil(manifests: Manifests) -> None:
    slices = list(of_kind(manifests, "EndpointSlice"))
    slices[0]["endpoints"][0]["addresses"] = ["192.0.2.99"]
