"""Which subjects a node needs for what it is there for. The servers allow these and refuse all others.

A role is what a node is for: a tier, a tool, a guest. A server has one list a role, in which `{{name()}}` stands for
the user's own name, so that the list of a role lets each of its users hear only what is sent to itself.

    role        own ids                 asks        may answer
    messier     messier-west-1 ...      whirlpool   andromeda, mesh, guest
    mesh        mesh.<anything>         all         mesh
    guest       guest.<name>            messier     guest, mesh

NATS has no wildcards inside a token, so nodes whose ids begin alike are listed one by one. Where nobody can know the
ids beforehand, as of tools and guests, the role is a token of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from broker.inbox import BOTH, FOR_EVERYBODY, TARGETED
from broker.micro.service import VERBS, named
from broker.wire.topics import Kind, Topics

USER = "{{name()}}"
SERVICES_USED = "{{tag(service)}}"
"""One subject for each such tag of the user."""
SERVICES_SERVED = "{{tag(serves)}}"
ANY_INBOX = "_INBOX.>"
ANSWERED_TO_ANYBODY = (Kind.DISCOVER, Kind.INFO, Kind.PING, Kind.PONG)


@dataclass(frozen=True, slots=True)
class Role:
    name: str
    own: tuple[str, ...]
    """Node ids of one user of this role."""
    nodes: tuple[str, ...]
    """Node ids of all of them, as others write to them."""
    asks: tuple[str, ...] = ()
    """Roles whose nodes it sends requests to."""
    tells: tuple[str, ...] = ()
    """Roles whose nodes it sends events to."""
    serves: tuple[str, ...] = ()
    """Services that it offers at the micro door."""
    uses: tuple[str, ...] = ()
    """Services that it calls at the micro door."""
    replies_only: bool = False
    """At the door it publishes to reply subjects that were shown to it, and to no other inbox. Servers remember these
    for each message, which is too much for nodes that get thousands of them a second."""
    orders: tuple[str, ...] = ()
    """Roles whose nodes it may take out of work, and back."""

    @property
    def answers_anywhere(self) -> bool:
        return bool(self.serves) and not self.replies_only


class Permissions(NamedTuple):
    publish: tuple[str, ...]
    publish_never: tuple[str, ...]
    """Of what the list before would allow."""
    subscribe: tuple[str, ...]
    replies: bool
    """It may publish once to the reply subject of each message that it gets."""


def permissions(role: Role, roles: Mapping[str, Role], namespace: str = "") -> Permissions:
    topics, prefix = Topics(namespace), f"{namespace}." if namespace else ""
    said = (_said_to_all(topics), _said_to_some(role, roles, topics), _answered(role), _asked(role.uses, prefix))
    heard = (_heard_of_all(topics), _heard_alone(role, topics), _served(role.serves, prefix), _own_inboxes(role.uses))
    anywhere = role.serves and not role.replies_only
    return Permissions(
        _unique(said), (topics.unheard("*", ">"),) if anywhere else (), _unique(heard), role.replies_only
    )


def _said_to_all(topics: Topics) -> Iterator[str]:
    """What makes a mesh of nodes: who is there, and how far away."""
    yield from (topics.everybody(kind) for kind in FOR_EVERYBODY + BOTH)
    yield from (topics.of(kind, ">") for kind in ANSWERED_TO_ANYBODY)


def _said_to_some(role: Role, roles: Mapping[str, Role], topics: Topics) -> Iterator[str]:
    asked = [roles[name] for name in role.asks]
    asking = [other for other in roles.values() if role.name in other.asks]
    told = [roles[name] for name in role.tells]
    for kind, others in (
        (Kind.REQUEST, asked),
        (Kind.RESPONSE, asking),
        (Kind.STREAM, asked + asking),
        (Kind.EVENT, told),
        (Kind.ORDER, [roles[name] for name in role.orders]),
    ):
        yield from (topics.of(kind, node) for other in others for node in other.nodes)


def _heard_of_all(topics: Topics) -> Iterator[str]:
    return (topics.everybody(kind) for kind in FOR_EVERYBODY + BOTH)


def _heard_alone(role: Role, topics: Topics) -> Iterator[str]:
    for node in role.own:
        yield from (topics.of(kind, node) for kind in TARGETED + BOTH)
        yield topics.unheard(node)


# --- the micro door -------------------------------------------------------------------------------------------


def _answered(role: Role) -> Iterator[str]:
    """Callers choose where they hear the answer, by names that nobody guesses."""
    if role.answers_anywhere:
        yield ANY_INBOX


def _asked(services: Iterable[str], prefix: str) -> Iterator[str]:
    for service in services:
        yield f"{prefix}{service}.*"
        yield from _questions(service)


def _served(services: Iterable[str], prefix: str) -> Iterator[str]:
    """A service's instances are equals: servers cannot be told, in a role's list, that only the queue group may be
    joined."""
    for service in services:
        yield f"{prefix}{service}.*"
        yield from _questions(service)


def _questions(service: str) -> Iterator[str]:
    """About services themselves: to all, to those of one name, to one instance."""
    name = service if "{{" in service else named(service)
    for verb in VERBS:
        yield from (f"$SRV.{verb}", f"$SRV.{verb}.{name}", f"$SRV.{verb}.{name}.*")


def _own_inboxes(uses: Iterable[str]) -> Iterator[str]:
    return (f"_INBOX.{USER}.>" for _ in uses)


def _unique(subjects: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(subjects)))
