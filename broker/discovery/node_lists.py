"""The registry as Moleculer's tools want to see it: lists of nodes, services, actions and events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

from broker.discovery.registry import Node, Registry
from broker.wire.node_info import ActionInfo, EventInfo, ServiceInfo, action_fields, bare_name, event_fields, to_fields

INTERNAL = "$"
"""Names of services that belong to the mesh itself begin with it."""


class Filter(NamedTuple):
    only_local: bool = False
    skip_internal: bool = False
    only_available: bool = False


class Offered(NamedTuple):
    """A service on a node."""

    node: Node
    service: ServiceInfo


def nodes(registry: Registry, *, only_available: bool = False) -> Iterator[Node]:
    return (node for node in registry if node.available or not only_available)


def describe_node(node: Node, *, with_services: bool = False) -> dict[str, Any]:
    fields = to_fields(node.info) | {
        "id": node.info.node,
        "available": node.available,
        "local": node.local,
        "lastHeartbeatTime": node.heard_at_seconds,
    }
    if not with_services:
        del fields["services"]
    return fields


def services(
    registry: Registry, wanted: Filter, *, with_actions: bool = False, with_events: bool = False
) -> list[dict[str, Any]]:
    """One entry a service, with the nodes that offer it."""
    by_name: dict[str, list[Offered]] = defaultdict(list)
    for offered in _offered(registry, wanted):
        by_name[offered.service.name].append(offered)
    return [_service(each, with_actions, with_events) for each in by_name.values()]


def actions(registry: Registry, wanted: Filter, *, with_endpoints: bool = False) -> list[dict[str, Any]]:
    by_name: dict[str, list[tuple[Node, ActionInfo]]] = defaultdict(list)
    for node, service in _offered(registry, wanted):
        for action in service.actions:
            by_name[action.name].append((node, action))
    return [
        {"name": name, "action": action_fields(places[0][1])} | _places([node for node, _ in places], with_endpoints)
        for name, places in by_name.items()
    ]


def events(registry: Registry, wanted: Filter, *, with_endpoints: bool = False) -> list[dict[str, Any]]:
    """One entry a pattern and group."""
    by_event: dict[EventInfo, list[Node]] = defaultdict(list)
    for node, service in _offered(registry, wanted):
        for event in service.events:
            by_event[event].append(node)
    return [
        {"name": event.pattern, "group": event.group, "event": event_fields(event)} | _places(places, with_endpoints)
        for event, places in by_event.items()
    ]


def _offered(registry: Registry, wanted: Filter) -> Iterator[Offered]:
    for node in nodes(registry, only_available=wanted.only_available):
        if node.local or not wanted.only_local:
            for service in node.info.services:
                if not (wanted.skip_internal and service.name.startswith(INTERNAL)):
                    yield Offered(node, service)


def _service(offered: list[Offered], with_actions: bool, with_events: bool) -> dict[str, Any]:
    service = offered[0].service
    fields: dict[str, Any] = {
        "name": bare_name(service),
        "version": service.version,
        "fullName": service.name,
        "settings": {},
        "metadata": {},
        "available": any(node.available for node, _ in offered),
        "hasLocal": any(node.local for node, _ in offered),
        "nodes": [node.info.node for node, _ in offered],
    }
    if with_actions:
        fields["actions"] = {action.name: action_fields(action) for action in service.actions}
    if with_events:
        fields["events"] = {event.pattern: event_fields(event) for event in service.events}
    return fields


def _places(places: list[Node], with_endpoints: bool) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "count": len(places),
        "hasLocal": any(node.local for node in places),
        "available": any(node.available for node in places),
    }
    if with_endpoints:
        fields["endpoints"] = [{"nodeID": node.info.node, "available": node.available} for node in places]
    return fields
