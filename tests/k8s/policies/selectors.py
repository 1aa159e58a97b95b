"""Whatever selects, selects something: a budget, a policy or a Service for nobody protects and finds nobody."""

from __future__ import annotations

from collections.abc import Iterator

from tests.k8s.objects import Pod, matches, name_of, named, of_kind, pods, ports_of
from tests.k8s.rendering import Manifest, Manifests


def objections(manifests: Manifests) -> Iterator[str]:
    found = list(pods(manifests))
    for each in manifests:
        yield from (f"{each['kind']} {name_of(each)} {why}" for why in _wrong(each, manifests, found))


def _wrong(each: Manifest, manifests: Manifests, found: list[Pod]) -> Iterator[str]:
    spec = each.get("spec", {})
    match each["kind"]:
        case "Service" if "selector" in spec:
            yield from _service(each, found)
        case "PodDisruptionBudget":
            if not _any(spec["selector"], found):
                yield "selects no pod"
        case "NetworkPolicy":
            yield from _policy(each, found)
        case "ServiceMonitor":
            yield from _monitor(each, manifests)
        case "Deployment" | "StatefulSet":
            yield from _own(each)


def _any(selector: Manifest, found: list[Pod]) -> bool:
    return any(matches(selector, pod.labels) for pod in found)


def _service(each: Manifest, found: list[Pod]) -> Iterator[str]:
    chosen = [pod for pod in found if matches({"matchLabels": each["spec"]["selector"]}, pod.labels)]
    if not chosen:
        yield "selects no pod"
    for port in each["spec"]["ports"]:
        if not all(port["targetPort"] in ports_of(pod) for pod in chosen):
            yield f"leads to {port['targetPort']}, which its pods do not have"


def _policy(each: Manifest, found: list[Pod]) -> Iterator[str]:
    spec = each["spec"]
    if not _any(spec["podSelector"], found):
        yield "is for no pod"
    rules = [(rule, "from") for rule in spec.get("ingress", ())] + [(rule, "to") for rule in spec.get("egress", ())]
    for rule, side in rules:
        for peer in rule.get(side, ()):
            if "podSelector" in peer and "namespaceSelector" not in peer:
                values = [expression["values"] for expression in peer["podSelector"].get("matchExpressions", ())]
                known = {pod.labels["app.kubernetes.io/name"] for pod in found}
                if not _any(peer["podSelector"], found) or any(set(names) - known for names in values):
                    yield f"names a peer that there is not: {peer['podSelector']}"


def _monitor(each: Manifest, manifests: Manifests) -> Iterator[str]:
    selector = each["spec"]["selector"]
    services = [one for one in of_kind(manifests, "Service") if matches(selector, one["metadata"].get("labels", {}))]
    if not services:
        yield "selects no Service"
    for service in services:
        names = {port["name"] for port in service["spec"]["ports"]}
        yield from (
            f"asks for no port of {name_of(service)}" for end in each["spec"]["endpoints"] if end["port"] not in names
        )


def _own(each: Manifest) -> Iterator[str]:
    labels = each["spec"]["template"]["metadata"]["labels"]
    if not matches(each["spec"]["selector"], labels):
        yield "does not select its own pods"
    for constraint in each["spec"]["template"]["spec"].get("topologySpreadConstraints", ()):
        if not matches(constraint["labelSelector"], labels):
            yield "spreads pods that are not its own"


def spoil(manifests: Manifests) -> None:
    named(manifests, "Service", "andromeda")["spec"]["selector"] = {"app": "andromeda"}
