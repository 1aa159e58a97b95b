"""Each server is asked whether it started, lives and can serve, at a path that its code answers, where it does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from andromeda.openapi_words import OPERATION
from broker.observe.exposition import routes
from broker.observe.metrics import Metrics
from lab.regions import DNS, HTTP, METRICS, NATS_MONITOR
from tests.k8s.objects import SERVING, Pod, command_line, container, pods, serving_containers
from tests.k8s.rendering import Manifests

STARTED, LIVES, SERVES = "startupProbe", "livenessProbe", "readinessProbe"
OURS = {route.path for route in routes(Metrics(), {})} & OPERATION.keys()
OF_NATS = {"/healthz"}
"""What its monitoring port answers: https://docs.nats.io/running-a-nats-service/nats_admin/monitoring."""


def objections(manifests: Manifests) -> Iterator[str]:
    for pod in pods(manifests, *SERVING):
        for each in serving_containers(pod):
            for probe in (STARTED, LIVES, SERVES):
                if probe not in each:
                    yield f"{pod}: {each['name']} has no {probe}"
                else:
                    yield from (f"{pod}: {probe}: {why}" for why in _wrong(pod, each, probe))


def _wrong(pod: Pod, each: dict[str, Any], name: str) -> Iterator[str]:
    probe, ports = each[name], {port["name"]: port["containerPort"] for port in each.get("ports", ())}
    if "exec" in probe:
        wanted = "ready" if name == SERVES else "alive"
        if probe["exec"]["command"][1:] != ["-m", "lab.galera_pod", wanted]:
            yield f"{probe['exec']['command']} is not what says whether it is {wanted}"
        return
    if "tcpSocket" in probe:
        if ports.get(probe["tcpSocket"]["port"]) != DNS:
            yield "only a name server is known by its open port"
        return
    asked = probe["httpGet"]
    number = ports.get(asked["port"])
    if command_line(each)[0] == "nats-server":
        if asked["path"] not in OF_NATS or number != NATS_MONITOR:
            yield f"a hub does not answer {asked['path']} at {number}"
        return
    if asked["path"] not in OURS:
        yield f"nothing answers {asked['path']}"
    if (asked["path"], number) != _meant(pod.name)[name]:
        yield f"{asked['path']} at {number} does not mean that"


def _meant(tier: str) -> dict[str, tuple[str, int]]:
    """Gateways are asked for their region, by name servers; a pod is ready as long as it takes requests."""
    alive, ready = ("/healthz", METRICS[tier]), ("/readyz", METRICS[tier])
    if tier == "andromeda":
        return {STARTED: ready, LIVES: alive, SERVES: ("/healthz", HTTP)}
    return {STARTED: alive, LIVES: alive, SERVES: ready}


def spoil(manifests: Manifests) -> None:
    container(manifests, "messier")[LIVES]["httpGet"]["path"] = "/readyz"
