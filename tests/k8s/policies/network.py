"""Workloads speak with those whom the picture of the architecture joins them to, and it joins nobody who may not speak:
each conversation is allowed on both of its sides, on one port, and everything else is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from lab.regions import DNS, GALERA_GROUP, GALERA_INCREMENTAL, GALERA_STATE, HTTP, METRICS, NATS, NATS_GATEWAY, SQL
from tests.k8s.objects import NAME, Pod, matches, name_of, named, of_kind, pods, ports_of
from tests.k8s.picture import USERS, Pair, pairs
from tests.k8s.rendering import Manifest, Manifests

ROUTES = 6222
"""Between hubs of one region: of NATS' own choice."""
OF_ANOTHER_REGION = {
    NATS: "nats",
    NATS_GATEWAY: "nats",
    GALERA_GROUP: "galera",
    GALERA_INCREMENTAL: "galera",
    GALERA_STATE: "galera",
    80: "andromeda",
}
"""Whom one reaches at an address of another region, by port."""
STANDS_FOR = {"schema": "whirlpool"}
"""Its program, run once: the picture shows what stays."""
PORTS = {HTTP, NATS, NATS_GATEWAY, SQL, GALERA_GROUP, GALERA_INCREMENTAL, GALERA_STATE, DNS, ROUTES, 80}
GENERAL = {"nothing", "lookups", "metrics"}
"""For everybody, and of no conversation in the picture."""


def _pods_of(namespace: str) -> dict[str, Any]:
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}


LOOKUPS = [
    {
        "to": [_pods_of("kube-system") | {"podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}],
        "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
    }
]
SCRAPES = [{"from": [_pods_of("monitoring")], "ports": [{"protocol": "TCP", "port": "metrics"}]}]


class Edge(NamedTuple):
    source: str
    target: str
    port: int


def objections(manifests: Manifests) -> Iterator[str]:
    yield from _general(manifests)
    found = list(pods(manifests))
    policies = [each for each in of_kind(manifests, "NetworkPolicy") if name_of(each) not in GENERAL]
    out = {edge for each in policies for edge in _edges(each, found, "egress")}
    into = {edge for each in policies for edge in _edges(each, found, "ingress")}
    open_doors = {(edge.target, edge.port) for edge in into if edge.source == USERS}
    for edge in sorted(out - into):
        if edge.port not in OF_ANOTHER_REGION and (edge.target, edge.port) not in open_doors:
            yield f"{edge.source} may ask {edge.target} at {edge.port}, which may not hear it"
    for edge in sorted(into):
        if edge.source not in {USERS, "elsewhere"} and edge not in out:
            yield f"{edge.target} may hear {edge.source} at {edge.port}, which may not ask"
    yield from (f"{edge} is on a port of nobody" for edge in sorted(out | into) if edge.port not in PORTS)
    allowed = {_pair(edge) for edge in out | into if edge.source != "elsewhere"}
    yield from (f"{_words(pair)} may speak, and the picture does not join them" for pair in allowed - pairs())
    yield from (f"the picture joins {_words(pair)}, and they may not speak" for pair in pairs() - allowed)


def _general(manifests: Manifests) -> Iterator[str]:
    nothing = named(manifests, "NetworkPolicy", "nothing")["spec"]
    if nothing != {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}:
        yield "what no policy allows is not refused"
    if named(manifests, "NetworkPolicy", "lookups")["spec"]["egress"] != LOOKUPS:
        yield "more than look-ups is allowed to everybody"
    if named(manifests, "NetworkPolicy", "metrics")["spec"]["ingress"] != SCRAPES:
        yield "others than who collects metrics may ask for them"
    for each in of_kind(manifests, "NetworkPolicy"):
        for side in ("ingress", "egress"):
            if side in each["spec"] and side.capitalize() not in each["spec"]["policyTypes"]:
                yield f"NetworkPolicy {name_of(each)} says nothing with its {side}"
    scraped = [pod for pod in pods(manifests) if pod.labels.get("localgroup/metrics") == "true"]
    for pod in scraped:
        if ports_of(pod).get("metrics") != METRICS.get(pod.name):
            yield f"{pod} has no metrics to ask for"


def _edges(policy: Manifest, found: list[Pod], side: str) -> Iterator[Edge]:
    own = [pod for pod in found if matches(policy["spec"]["podSelector"], pod.labels)]
    for rule in policy["spec"].get(side, ()):
        for pod in own:
            for peer in _peers(rule, found, side):
                for port in rule["ports"]:
                    yield _edge(pod, peer, port["port"], side)


def _peers(rule: dict[str, Any], found: list[Pod], side: str) -> Iterator[Pod | str]:
    given = rule.get("from" if side == "ingress" else "to")
    if given is None:
        yield USERS
        return
    for peer in given:
        if "ipBlock" in peer:
            yield "elsewhere"
        else:
            yield from (pod for pod in found if matches(peer["podSelector"], pod.labels))


def _edge(pod: Pod, peer: Pod | str, port: str | int, side: str) -> Edge:
    target = pod if side == "ingress" else peer
    number = ports_of(target)[port] if isinstance(port, str) and isinstance(target, Pod) else int(port)
    name = _name(peer) if isinstance(peer, Pod) else peer
    if side == "ingress":
        return Edge(name, _name(pod), number)
    return Edge(_name(pod), OF_ANOTHER_REGION[number] if name == "elsewhere" else name, number)


def _name(pod: Pod) -> str:
    return pod.labels[NAME]


def _pair(edge: Edge) -> Pair:
    return frozenset(STANDS_FOR.get(name, name) for name in (edge.source, edge.target))


def _words(pair: Pair) -> str:
    return " and ".join(sorted(pair)) if len(pair) > 1 else f"{next(iter(pair))} with its like"


def spoil(manifests: Manifests) -> None:
    egress = named(manifests, "NetworkPolicy", "messier")["spec"]["egress"]
    peer = {"podSelector": {"matchLabels": {NAME: "galera"}}}
    egress.append({"to": [peer], "ports": [{"protocol": "TCP", "port": SQL}]})
