"""Who is told to end gets the time that it takes: to be forgotten by load balancers, to finish what was begun, and a
hub to send its clients elsewhere. And nobody is told to end before another serves."""

from __future__ import annotations

import re
from collections.abc import Iterator

from andromeda.server import DRAIN_SECONDS as HTTP_DRAIN_SECONDS
from broker.config import DRAIN_SECONDS
from tests.k8s.objects import SERVING, name_of, named, of_kind, pod, pods, serving_containers
from tests.k8s.rendering import Manifests

DUCK = re.compile(r"^lame_duck_(?:grace_period|duration): \"(\d+)s\"$", re.MULTILINE)
BEHIND_LOAD_BALANCERS = ("andromeda", "names")


def lame_duck_seconds(manifests: Manifests) -> int:
    text = next(each["data"]["nats.conf"] for each in of_kind(manifests, "ConfigMap") if "nats.conf" in each["data"])
    grace, duration = map(int, DUCK.findall(text))
    return grace + duration


def objections(manifests: Manifests) -> Iterator[str]:
    hub_seconds = lame_duck_seconds(manifests)
    for each in pods(manifests, *SERVING):
        pauses = [_pause(container) for container in serving_containers(each)]
        needed = max(hub_seconds, max(pauses) + DRAIN_SECONDS + HTTP_DRAIN_SECONDS)
        if each.spec.get("terminationGracePeriodSeconds", 30) <= needed:
            yield f"{each} is killed before it is done, which takes {needed} s"
        if each.name in BEHIND_LOAD_BALANCERS and not max(pauses):
            yield f"{each} ends while load balancers still send users"
    leave = serving_containers(pod(manifests, "nats"))[0].get("lifecycle", {}).get("preStop", {}).get("exec", {})
    if leave.get("command", [])[:2] != ["nats-server", "--signal"]:
        yield "a hub ends without a word to its clients"
    for deployment in of_kind(manifests, "Deployment"):
        if deployment["spec"]["strategy"].get("rollingUpdate", {}).get("maxUnavailable") != 0:
            yield f"Deployment {name_of(deployment)} ends a pod before another serves"


def _pause(container: dict[str, object]) -> int:
    lifecycle = container.get("lifecycle")
    stop = lifecycle.get("preStop", {}) if isinstance(lifecycle, dict) else {}
    return int(stop.get("sleep", {}).get("seconds", 0))


def spoil(manifests: Manifests) -> None:
    named(manifests, "StatefulSet", "nats")["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 30
