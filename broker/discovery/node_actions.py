"""`$node.*`: what Moleculer's tools ask of any node, about the mesh as that node sees it and about itself.

    mesh call '$node.list' '{}'

Nothing here is secret: neither credentials nor a service's settings are part of any answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import ConfigDict

from broker.clock import Clock
from broker.config import BrokerConfig
from broker.context import Context
from broker.discovery import node_health, node_lists
from broker.discovery.node_lists import Filter
from broker.discovery.registry import Registry
from broker.observe.metrics import Metrics
from broker.service import Service, action
from broker.strategies.strategy import Score
from schema.action import Action, Message, Nothing

SERVICE = "$node"


class ListNodes(Message):
    """Fields are spelled as Moleculer spells them; those of its later versions are ignored."""

    model_config = ConfigDict(extra="ignore")

    withServices: bool = False
    onlyAvailable: bool = False


class ListServices(Message):
    model_config = ConfigDict(extra="ignore")

    onlyLocal: bool = False
    skipInternal: bool = False
    onlyAvailable: bool = False
    withActions: bool = False
    withEvents: bool = False
    withEndpoints: bool = False

    @property
    def filter(self) -> Filter:
        return Filter(only_local=self.onlyLocal, skip_internal=self.skipInternal, only_available=self.onlyAvailable)


class ListMetrics(Message):
    model_config = ConfigDict(extra="ignore")

    types: str | list[str] | None = None
    includes: str | list[str] | None = None
    excludes: str | list[str] | None = None


class ListChoices(Message):
    action: str


Described = list[dict[str, Any]]

NODES = Action(f"{SERVICE}.list", ListNodes, Described, safe=True)
SERVICES = Action(f"{SERVICE}.services", ListServices, Described, safe=True)
ACTIONS = Action(f"{SERVICE}.actions", ListServices, Described, safe=True)
EVENTS = Action(f"{SERVICE}.events", ListServices, Described, safe=True)
HEALTH = Action(f"{SERVICE}.health", Nothing, dict[str, Any], safe=True)
OPTIONS = Action(f"{SERVICE}.options", Nothing, dict[str, Any], safe=True)
METRICS = Action(f"{SERVICE}.metrics", ListMetrics, Described, safe=True)
CHOICES = Action(f"{SERVICE}.choices", ListChoices, Described, safe=True)
"""Ours alone: what this node expects of each node that serves an action."""
CHOICES_MAX = 200


class NodeActions(Service):
    name = SERVICE
    private = (NODES, SERVICES, ACTIONS, EVENTS, HEALTH, OPTIONS, METRICS, CHOICES)

    def __init__(
        self,
        config: BrokerConfig,
        registry: Registry,
        metrics: Metrics,
        clock: Clock,
        explain: Callable[[str], Sequence[Score]],
    ) -> None:
        self._config = config
        self._registry = registry
        self._metrics = metrics
        self._clock = clock
        self._explain = explain

    @action(NODES)
    async def list(self, context: Context, request: ListNodes) -> Described:
        known = node_lists.nodes(self._registry, only_available=request.onlyAvailable)
        return [node_lists.describe_node(node, with_services=request.withServices) for node in known]

    @action(SERVICES)
    async def services(self, context: Context, request: ListServices) -> Described:
        return node_lists.services(
            self._registry, request.filter, with_actions=request.withActions, with_events=request.withEvents
        )

    @action(ACTIONS)
    async def actions(self, context: Context, request: ListServices) -> Described:
        return node_lists.actions(self._registry, request.filter, with_endpoints=request.withEndpoints)

    @action(EVENTS)
    async def events(self, context: Context, request: ListServices) -> Described:
        return node_lists.events(self._registry, request.filter, with_endpoints=request.withEndpoints)

    @action(HEALTH)
    async def health(self, context: Context, request: Nothing) -> dict[str, Any]:
        return node_health.health(self._clock)

    @action(OPTIONS)
    async def options(self, context: Context, request: Nothing) -> dict[str, Any]:
        return self._config.model_dump(mode="json")

    @action(METRICS)
    async def metrics(self, context: Context, request: ListMetrics) -> Described:
        found = node_health.metrics(self._metrics.registry)
        return [metric for metric in found if _wanted(metric, request)]

    @action(CHOICES)
    async def choices(self, context: Context, request: ListChoices) -> Described:
        scores = sorted(self._explain(request.action), key=lambda score: score.seconds)
        return [score._asdict() for score in scores[:CHOICES_MAX]]


def _wanted(metric: Mapping[str, Any], request: ListMetrics) -> bool:
    if request.types is not None and metric["type"] not in _listed(request.types):
        return False
    if request.includes is not None and not metric["name"].startswith(tuple(_listed(request.includes))):
        return False
    return request.excludes is None or not metric["name"].startswith(tuple(_listed(request.excludes)))


def _listed(names: str | list[str]) -> list[str]:
    return [names] if isinstance(names, str) else names
