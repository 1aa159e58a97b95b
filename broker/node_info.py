"""What a node says of itself in an INFO packet: who it is, where, and what it serves and listens to."""

from __future__ import annotations

from collections.abc import Iterable
from platform import python_version
from typing import Any, NamedTuple

from broker import fields
from broker.fields import Fields

UNKNOWN_REGION = ""


class ActionInfo(NamedTuple):
    name: str
    safe: bool = False
    """Foreign nodes do not say; what is not known to be safe is not."""


class EventInfo(NamedTuple):
    pattern: str
    group: str


class ServiceInfo(NamedTuple):
    name: str
    actions: tuple[ActionInfo, ...] = ()
    events: tuple[EventInfo, ...] = ()


class NodeInfo(NamedTuple):
    node: str
    instance: str
    seq: int
    region: str
    services: tuple[ServiceInfo, ...] = ()
    version: str = "5"
    """The protocol it speaks."""
    hostname: str = ""
    client: str = ""
    """Version of the software on the way out; its kind too on the way in."""


def to_fields(info: NodeInfo) -> dict[str, Any]:
    return {
        "services": [_service_fields(service) for service in info.services],
        "ipList": [],
        "hostname": info.hostname,
        "client": {"type": "python", "version": info.client, "langVersion": python_version()},
        "config": {},
        "instanceID": info.instance,
        "metadata": {"region": info.region},
        "seq": info.seq,
    }


def from_fields(packet: Fields) -> NodeInfo:
    region = fields.mapping(packet, "metadata").get("region")
    return NodeInfo(
        node=fields.text(packet, "sender"),
        instance=fields.optional_text(packet, "instanceID") or "",
        seq=int(fields.number(packet, "seq", 0)),
        region=region if isinstance(region, str) else UNKNOWN_REGION,
        services=tuple(_service(service) for service in fields.objects(packet, "services")),
        version=fields.text(packet, "ver"),
        hostname=fields.optional_text(packet, "hostname") or "",
        client=_client(fields.mapping(packet, "client")),
    )


def _service_fields(service: ServiceInfo) -> dict[str, Any]:
    return {
        "name": service.name,
        "fullName": service.name,
        "settings": {},
        "metadata": {},
        "dependencies": [],
        "actions": {action.name: _action_fields(action) for action in service.actions},
        "events": {event.pattern: {"name": event.pattern, "group": event.group} for event in service.events},
    }


def _action_fields(action: ActionInfo) -> dict[str, Any]:
    verb = action.name.rpartition(".")[2]
    return {"name": action.name, "rawName": verb, "cache": False, "visibility": "published", "safe": action.safe}


def _service(service: Fields) -> ServiceInfo:
    name = fields.optional_text(service, "fullName") or fields.text(service, "name")
    actions, events = fields.mapping(service, "actions"), fields.mapping(service, "events")
    return ServiceInfo(name, tuple(_actions(actions)), tuple(_events(events, name)))


def _actions(actions: Fields) -> Iterable[ActionInfo]:
    for name, details in actions.items():
        safe = isinstance(details, dict) and details.get("safe") is True
        yield ActionInfo(name, safe)


def _events(events: Fields, service: str) -> Iterable[EventInfo]:
    for pattern, details in events.items():
        group = details.get("group") if isinstance(details, dict) else None
        yield EventInfo(pattern, group if isinstance(group, str) and group else service)


def _client(client: Fields) -> str:
    return " ".join(value for key in ("type", "version") if isinstance(value := client.get(key), str))
