"""Who is in the mesh and what each serves. Pure: it computes from what it is told, and knows no wire and no clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from broker.event_patterns import matches
from broker.wire.node_info import ActionInfo, NodeInfo

HEARTBEATS_MISSED = 3
"""Of a node that is lost."""
CACHED_NAMES_MAX = 4_096
"""Action and event names whose nodes are remembered; callers choose names, so the memory is bounded."""


class Endpoint(NamedTuple):
    """One node that serves one action."""

    node: str
    action: str
    region: str
    safe: bool
    local: bool
    keyed: bool = False
    """It honours idempotency keys, so an unsafe call that has one may be repeated."""


@dataclass(slots=True)
class Node:
    info: NodeInfo
    local: bool
    heard_at_seconds: float
    available: bool = True
    heartbeat_seconds: float = 0.0
    """What it says lies between its heartbeats; 0 before the first."""
    _actions: dict[str, ActionInfo] | None = None

    @property
    def actions(self) -> dict[str, ActionInfo]:
        """By name; put in order when first asked for, since most nodes of a large mesh are never asked."""
        if self._actions is None:
            self._actions = {action.name: action for service in self.info.services for action in service.actions}
        return self._actions

    def describe(self, info: NodeInfo) -> None:
        self.info = info
        self._actions = None

    def is_silent(self, now_seconds: float, timeout_seconds: float, sooner_seconds: float = 0.0) -> bool:
        patience_seconds = max(timeout_seconds, HEARTBEATS_MISSED * self.heartbeat_seconds) - sooner_seconds
        return not self.local and now_seconds - self.heard_at_seconds >= patience_seconds


class Registry:
    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}
        self._available_nodes = 0
        self._endpoints: dict[str, tuple[Endpoint, ...]] = {}
        self._listeners: dict[str, dict[str, tuple[Endpoint, ...]]] = {}

    def __iter__(self) -> Iterator[Node]:
        return iter(list(self._nodes.values()))

    def get(self, node: str) -> Node | None:
        return self._nodes.get(node)

    def sees(self, node: str) -> bool:
        """Whether it is here now."""
        known = self._nodes.get(node)
        return known is not None and known.available

    def count_available(self) -> int:
        return self._available_nodes

    def admit(self, info: NodeInfo, now_seconds: float, *, local: bool = False) -> bool:
        """Whether anything changed: an INFO counts if its seq rose, its instance is another, or its node was gone."""
        node = self._nodes.setdefault(info.node, Node(info, local, now_seconds, available=False))
        node.heard_at_seconds = now_seconds
        if node.available and node.info.instance == info.instance and info.seq <= node.info.seq:
            return False
        self._forget_answers(node.info)
        self._forget_answers(info)
        self._available_nodes += not node.available
        node.available = True
        node.describe(info)
        return True

    def readmit(self, node: str, now_seconds: float) -> bool:
        """One that was withdrawn, and is as it was. Whether anything changed."""
        known = self._nodes.get(node)
        if known is None or known.available:
            return False
        known.available, known.heard_at_seconds = True, now_seconds
        self._available_nodes += 1
        self._forget_answers(known.info)
        return True

    def withdraw(self, node: str) -> bool:
        """The node is gone; it stays listed as unavailable until it is forgotten."""
        known = self._nodes.get(node)
        if known is None or not known.available:
            return False
        known.available = False
        self._available_nodes -= 1
        self._forget_answers(known.info)
        return True

    def silent(self, now_seconds: float, timeout_seconds: float, sooner_seconds: float = 0.0) -> list[str]:
        """Nodes that were not heard for so long, and for three of their own heartbeats, but `sooner_seconds`."""
        return [
            node.info.node
            for node in self._nodes.values()
            if node.available and node.is_silent(now_seconds, timeout_seconds, sooner_seconds)
        ]

    def forget_silent_since(self, seconds: float) -> None:
        """Those that are not there any more, once people had time to see that they are missing."""
        gone = (node for node in self._nodes.values() if not node.available and not node.local)
        for name in [node.info.node for node in gone if node.heard_at_seconds <= seconds]:
            del self._nodes[name]

    def endpoints(self, action: str) -> tuple[Endpoint, ...]:
        known = self._endpoints.get(action)
        if known is None:
            known = tuple(self._find_endpoints(action))
            if len(self._endpoints) < CACHED_NAMES_MAX:
                self._endpoints[action] = known
        return known

    def listeners(self, event: str) -> dict[str, tuple[Endpoint, ...]]:
        """Each listening group with its nodes."""
        known = self._listeners.get(event)
        if known is None:
            known = self._find_listeners(event)
            if len(self._listeners) < CACHED_NAMES_MAX:
                self._listeners[event] = known
        return known

    def serves(self, service: str) -> bool:
        return any(service == offered.name for node in self._available() for offered in node.info.services)

    def _available(self) -> Iterator[Node]:
        return (node for node in self._nodes.values() if node.available)

    def _find_endpoints(self, action: str) -> Iterator[Endpoint]:
        for node in self._available():
            if offered := node.actions.get(action):
                yield Endpoint(node.info.node, action, node.info.region, offered.safe, node.local, offered.keyed)

    def _find_listeners(self, event: str) -> dict[str, tuple[Endpoint, ...]]:
        groups: dict[str, tuple[Endpoint, ...]] = {}
        for node in self._available():
            listening = Endpoint(node.info.node, event, node.info.region, False, node.local)
            for group in _groups_of(node.info, event):
                groups[group] = (*groups.get(group, ()), listening)
        return groups

    def _forget_answers(self, info: NodeInfo) -> None:
        """Those that this node has a part in."""
        for service in info.services:
            for action in service.actions:
                self._endpoints.pop(action.name, None)
            if service.events:
                self._listeners.clear()


def _groups_of(info: NodeInfo, event: str) -> set[str]:
    return {
        listened.group for service in info.services for listened in service.events if matches(listened.pattern, event)
    }
