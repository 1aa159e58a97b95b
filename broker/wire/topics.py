"""The only place that spells NATS subjects: `MOL[-<namespace>].<KIND>[.<node>]`, as Moleculer does."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

PREFIX = "MOL"
NAMESPACE_PATTERN = r"^[A-Za-z0-9_-]{0,64}$"
NODE_PATTERN = r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$"
"""A node id may hold dots, as host names do, but nothing that means something to NATS."""
NODE_LENGTH_MAX: Final = 128
NODES_REMEMBERED = 4_096
"""Each packet names its sender: the same ones, again and again."""

_NODE = re.compile(NODE_PATTERN)


class Kind(StrEnum):
    DISCOVER = "DISCOVER"
    INFO = "INFO"
    HEARTBEAT = "HEARTBEAT"
    DISCONNECT = "DISCONNECT"
    PING = "PING"
    PONG = "PONG"
    REQUEST = "REQ"
    RESPONSE = "RES"
    EVENT = "EVENT"
    ORDER = "ORDER"
    """Of an operator, to a node of ours."""
    STREAM = "STREAM"
    """Between nodes of ours only: how far a stream was read."""


_KINDS = {kind.value: kind for kind in Kind}


class Topic(NamedTuple):
    namespace: str
    kind: Kind
    node: str | None
    """None: for everybody."""


class Topics:
    """Subjects of one namespace."""

    def __init__(self, namespace: str = "") -> None:
        self._prefix = f"{PREFIX}-{namespace}" if namespace else PREFIX

    def everybody(self, kind: Kind) -> str:
        return f"{self._prefix}.{kind.value}"

    def of(self, kind: Kind, node: str) -> str:
        return f"{self._prefix}.{kind.value}.{node}"

    def balanced_request(self, action: str) -> str:
        """Where nodes that leave the choice to the server ask."""
        return f"{self._prefix}.REQB.{action}"

    def balanced_event(self, group: str, pattern: str) -> str:
        """Where they tell a group. NATS knows `*` for a whole part, and `>` for all that follow."""
        return f"{self._prefix}.EVENTB.{group}.{_wildcards(pattern)}"

    def unheard(self, node: str, call: str = "*") -> str:
        """Where the server tells a caller that nobody listens to its request."""
        return f"_INBOX.{self._prefix}.{node}.{call}"


def _wildcards(pattern: str) -> str:
    before, rest, _ = pattern.partition("**")
    parts = ["*" if "*" in part or "?" in part else part for part in before.split(".")]
    return ".".join([*parts[:-1], ">"] if rest else parts)


def call_of_unheard(subject: str) -> str:
    return subject.rpartition(".")[2]


def is_node_id(text: str) -> bool:
    return len(text) <= NODE_LENGTH_MAX and _looks_like_a_node(text)


@lru_cache(NODES_REMEMBERED)
def _looks_like_a_node(text: str) -> bool:
    return _NODE.fullmatch(text) is not None


def parse(subject: str) -> Topic | None:
    """What a subject means, or None if it is none of ours."""
    head, _, rest = subject.partition(".")
    name, _, node = rest.partition(".")
    prefix, _, namespace = head.partition("-")
    kind = _KINDS.get(name)
    return Topic(namespace, kind, node or None) if prefix == PREFIX and kind else None
