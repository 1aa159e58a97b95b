"""The nodes of an action by region, nearest first. Putting a thousand nodes in order for each call would cost more
than the call, and the registry answers with the same tuple until something changes: the order is kept for that tuple.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import NamedTuple

from broker.discovery.registry import Endpoint
from broker.strategies.node_record import NodeRecord
from broker.strategies.paths import Path, Paths

ORDER_SECONDS = 0.02
"""For so long regions stay in their order: distances change far more seldom than calls are made."""
GROUPINGS_MAX = 256
"""Actions that a process calls often; with more, some are put in order anew now and then."""


class Seat(NamedTuple):
    endpoint: Endpoint
    record: NodeRecord


class Group:
    """The nodes of a region."""

    __slots__ = ("path", "region", "seats")

    def __init__(self, region: str, path: Path) -> None:
        self.region = region
        self.path = path
        self.seats: list[Seat] = []


class _Order:
    __slots__ = ("candidates", "groups", "until_seconds")

    def __init__(self, candidates: Sequence[Endpoint], groups: list[Group]) -> None:
        self.candidates = candidates
        """Kept, so that no other sequence comes to have its identity."""
        self.groups = groups
        self.until_seconds = -math.inf


_path_seconds = attrgetter("path.seconds")


class Groups:
    def __init__(self, paths: Paths, here: Path, record: Callable[[str, float], NodeRecord]) -> None:
        """`here` is the way to this very node; `record` is what is known of a node, by name and at a time."""
        self._paths = paths
        self._here = here
        self._record = record
        self._known: dict[int, _Order] = {}

    def of(self, candidates: Sequence[Endpoint], now_seconds: float) -> list[Group]:
        order = self._known.get(id(candidates))
        if order is None or order.candidates is not candidates:
            order = _Order(candidates, self._grouped(candidates, now_seconds))
            self._keep(order)
        if now_seconds >= order.until_seconds:
            order.groups.sort(key=_path_seconds)
            order.until_seconds = now_seconds + ORDER_SECONDS
        return order.groups

    def clear(self) -> None:
        """Nodes came or went."""
        self._known.clear()

    def _keep(self, order: _Order) -> None:
        """Only of what cannot change."""
        if isinstance(order.candidates, tuple):
            if len(self._known) >= GROUPINGS_MAX:
                self._known.clear()
            self._known[id(order.candidates)] = order

    def _grouped(self, candidates: Sequence[Endpoint], now_seconds: float) -> list[Group]:
        groups: dict[tuple[str, bool], Group] = {}
        for endpoint in candidates:
            place = endpoint.region, endpoint.local
            group = groups.get(place)
            if group is None:
                path = self._here if endpoint.local else self._paths.of(endpoint.region, now_seconds)
                group = groups[place] = Group(endpoint.region, path)
            group.seats.append(Seat(endpoint, self._record(endpoint.node, now_seconds)))
        return list(groups.values())
