"""What `mesh top` knows: the metrics of each node, asked for over the mesh, and the difference of two looks."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from broker.commands.joining import others
from broker.discovery.node_actions import METRICS
from broker.discovery.node_lists import INTERNAL
from broker.mesh import Broker
from broker.parallel import ask_many
from schema.errors import MeshError

ANSWER_SECONDS = 1.0
"""A node that takes longer is shown without figures."""
AT_ONCE = 64
NODES_MAX = 500
"""Whose figures are asked for: beyond it a terminal shows nothing that a person could read."""
WANTED = (
    "localgroup_requests",
    "localgroup_request_seconds",
    "localgroup_call",
    "localgroup_nodes_ejected",
    "localgroup_ejections",
    "localgroup_cache",
    "localgroup_region_seconds",
)
OK = "ok"


class Sample(NamedTuple):
    """A value of one node, by the name and the labels of its series."""

    name: str
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True)
class Look:
    """One node at one moment; `samples` is None if it did not answer."""

    node: str
    region: str
    available: bool
    samples: Sequence[Sample] | None


@dataclass
class Work:
    """Requests that were served: how many, how they ended, how long they took (counts by upper bound)."""

    count: float = 0.0
    failed: float = 0.0
    buckets: Counter[float] = field(default_factory=Counter)

    def quantile_seconds(self, share: float) -> float | None:
        """As Prometheus estimates it: evenly spread within a bucket. None if nothing was counted."""
        wanted, below_seconds, below = share * max(self.buckets.values(), default=0), 0.0, 0
        for bound_seconds, count in sorted(self.buckets.items()):
            if count and count >= wanted:
                if math.isinf(bound_seconds):
                    return below_seconds
                return below_seconds + (bound_seconds - below_seconds) * (wanted - below) / (count - below)
            below_seconds, below = bound_seconds, count
        return None


async def look(broker: Broker) -> list[Look]:
    known = others(broker)[:NODES_MAX]

    async def ask(name: str) -> list[Sample]:
        request = {"includes": list(WANTED)}
        metrics = await broker.call(METRICS.name, request, node=name, deadline_seconds=ANSWER_SECONDS)
        return list(_samples(metrics))

    available = [node.info.node for node in known if node.available]
    answers = dict(zip(available, await ask_many(ask, available, AT_ONCE), strict=True))
    return [
        Look(node.info.node, node.info.region, node.available, _answered(answers.get(node.info.node))) for node in known
    ]


def work(now: Look, before: Look | None) -> Work:
    """What a node served between two looks; since it started, without the first."""
    done = Work()
    earlier = _by_series(before)
    for sample in now.samples or ():
        if sample.labels.get("action", "").startswith(INTERNAL):
            continue
        difference = sample.value - earlier.get(_series(sample), 0.0)
        if sample.name == "localgroup_requests_total":
            done.count += difference
            done.failed += difference if sample.labels.get("outcome") != OK else 0.0
        elif sample.name == "localgroup_request_seconds_bucket":
            done.buckets[float(sample.labels["le"])] += int(difference)
    return done


def by_action(looks: Iterable[Look], before: Mapping[str, Look]) -> dict[str, Work]:
    """The same, of all nodes together, by action."""
    works: dict[str, Work] = {}
    for each in looks:
        actions = {sample.labels["action"] for sample in each.samples or () if "action" in sample.labels}
        for action in actions:
            if not action.startswith(INTERNAL):
                part = work(_only(each, action), before.get(each.node))
                _add(works.setdefault(action, Work()), part)
    return works


def calls_made(now: Look, before: Look | None) -> dict[str, float]:
    """How often a node called each action between two looks."""
    earlier = _by_series(before)
    made: dict[str, float] = {}
    for sample in now.samples or ():
        action = sample.labels.get("action", INTERNAL)
        if sample.name == "localgroup_calls_total" and not action.startswith(INTERNAL):
            made[action] = made.get(action, 0.0) + sample.value - earlier.get(_series(sample), 0.0)
    return made


def total(look: Look, name: str) -> float:
    """Of a series of any labels."""
    return sum(sample.value for sample in look.samples or () if sample.name == name)


def distances(look: Look) -> dict[str, float]:
    """Seconds to each region, as this node measured them."""
    found = (sample for sample in look.samples or () if sample.name == "localgroup_region_seconds")
    return {sample.labels["to_region"]: sample.value for sample in found}


def _add(whole: Work, part: Work) -> None:
    whole.count += part.count
    whole.failed += part.failed
    whole.buckets.update(part.buckets)


def _only(look: Look, action: str) -> Look:
    chosen = [sample for sample in look.samples or () if sample.labels.get("action") == action]
    return Look(look.node, look.region, look.available, chosen)


def _samples(metrics: Any) -> Iterable[Sample]:
    """Of nodes of ours; what a foreign node answers has other names."""
    for metric in metrics:
        for value in metric.get("values") or ():
            if isinstance(value.get("value"), (int, float)) and isinstance(value.get("key"), str):
                yield Sample(value["key"], value.get("labels") or {}, float(value["value"]))


def _answered(answer: list[Sample] | MeshError | None) -> list[Sample] | None:
    return answer if isinstance(answer, list) else None


def _by_series(look: Look | None) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {} if look is None else {_series(sample): sample.value for sample in look.samples or ()}


def _series(sample: Sample) -> tuple[str, frozenset[tuple[str, str]]]:
    return sample.name, frozenset(sample.labels.items())
