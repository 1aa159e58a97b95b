"""What a node says of itself in an INFO packet: who it is, where, and what it serves and listens to."""

from __future__ import annotations

from collections.abc import Iterable
from platform import python_version
from typing import Any, NamedTuple

from broker.wire import fields
from broker.wire.fields import Fields

UNKNOWN_REGION = ""
OPEN_TO_OTHERS = (None, "published", "public")
"""Visibilities of actions that other nodes may call."""


class ActionInfo(NamedTuple):
    name: str
    safe: bool = False
    """Foreign nodes do not say; what is not known to be safe is not."""
    keyed: bool = False
    """It honours idempotency keys."""


class EventInfo(NamedTuple):
    pattern: str
    group: str


class ServiceInfo(NamedTuple):
    name: str
    """With its version, as callers spell it: `v2.math`."""
    actions: tuple[ActionInfo, ...] = ()
    events: tuple[EventInfo, ...] = ()
    version: int | str | None = None
    dependencies: tuple[str, ...] = ()
    """Services that it waits for before it starts."""


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
    streams: bool = False
    """It tells a stream's sender how far it has read, as all nodes of ours do."""


def to_fields(info: NodeInfo) -> dict[str, Any]:
    return {
        "services": [_service_fields(service) for service in info.services],
        "ipList": [],
        "hostname": info.hostname,
        "client": {"type": "python", "version": info.client, "langVersion": python_version()},
        "config": {"streams": info.streams},
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
        streams=fields.mapping(packet, "config").get("streams") is True,
    )


def _service_fields(service: ServiceInfo) -> dict[str, Any]:
    return {
        "name": bare_name(service),
        "version": service.version,
        "fullName": service.name,
        "settings": {},
        "metadata": {},
        "dependencies": service.dependencies,
        "actions": {action.name: action_fields(action) for action in service.actions},
        "events": {event.pattern: event_fields(event) for event in service.events},
    }


def action_fields(action: ActionInfo) -> dict[str, Any]:
    verb = action.name.rpartition(".")[2]
    return {"name": action.name, "rawName": verb, "cache": False, "visibility": "published"} | _promises(action)


def _promises(action: ActionInfo) -> dict[str, bool]:
    """What callers may do that Moleculer knows nothing of."""
    return {"safe": action.safe, "keyed": action.keyed}


def event_fields(event: EventInfo) -> dict[str, Any]:
    return {"name": event.pattern, "group": event.group}


def bare_name(service: ServiceInfo) -> str:
    if service.version is None:
        return service.name
    prefix = f"v{service.version}." if isinstance(service.version, int) else f"{service.version}."
    return service.name.removeprefix(prefix)


def _service(service: Fields) -> ServiceInfo:
    name = fields.optional_text(service, "fullName") or fields.text(service, "name")
    actions, events = fields.mapping(service, "actions"), fields.mapping(service, "events")
    version = service.get("version")
    return ServiceInfo(
        name,
        tuple(_actions(actions)),
        tuple(_events(events, name)),
        version if isinstance(version, (int, str)) else None,
    )


def _actions(actions: Fields) -> Iterable[ActionInfo]:
    """A node tells the others of its protected actions too, but answers them to none."""
    for name, details in actions.items():
        described = details if isinstance(details, dict) else {}
        if described.get("visibility") in OPEN_TO_OTHERS:
            yield ActionInfo(name, described.get("safe") is True, described.get("keyed") is True)


def _events(events: Fields, service: str) -> Iterable[EventInfo]:
    for pattern, details in events.items():
        group = details.get("group") if isinstance(details, dict) else None
        yield EventInfo(pattern, group if isinstance(group, str) and group else service)


def _client(client: Fields) -> str:
    return " ".join(value for key in ("type", "version") if isinstance(value := client.get(key), str))
