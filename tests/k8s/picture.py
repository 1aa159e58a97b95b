"""Who speaks with whom, read from docs/architecture.svg itself: a line belongs to the boxes that its ends touch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeAlias
from xml.etree import ElementTree

PICTURE = Path(__file__).parents[2] / "docs" / "architecture.svg"
SVG = "{http://www.w3.org/2000/svg}"
TOUCH = 4.0
"""Arrows end just before what they point at."""
USERS_Y = 40.0
"""Above the boxes, where users are."""
USERS = "users"
WORKLOADS = {
    "andromeda": "andromeda",
    "messier": "messier",
    "whirlpool": "whirlpool",
    "nats-server": "nats",
    "Galera member": "galera",
    "PowerDNS": "names",
}
"""What a box is called, and its workload."""

Point: TypeAlias = tuple[float, float]
Pair: TypeAlias = frozenset[str]
"""Both sides of a conversation; one, if they are of a kind."""


class Box(NamedTuple):
    name: str
    left: float
    top: float
    right: float
    bottom: float

    def touches(self, point: Point) -> bool:
        x, y = point
        inside = self.left - TOUCH <= x <= self.right + TOUCH and self.top - TOUCH <= y <= self.bottom + TOUCH
        within = self.left + TOUCH < x < self.right - TOUCH and self.top + TOUCH < y < self.bottom - TOUCH
        return inside and not within


@cache
def pairs() -> frozenset[Pair]:
    root = ElementTree.parse(PICTURE).getroot()
    boxes = list(_boxes(root))
    return frozenset(frozenset(_at(boxes, end) for end in ends) for ends in _lines(root))


def _boxes(root: ElementTree.Element) -> Iterator[Box]:
    names = [(text.text or "", float(text.get("x", 0)), float(text.get("y", 0))) for text in root.iter(f"{SVG}text")]
    for rect in root.iter(f"{SVG}rect"):
        left, top = float(rect.get("x", 0)), float(rect.get("y", 0))
        right, bottom = left + float(rect.get("width", 0)), top + float(rect.get("height", 0))
        inside = [name for name, x, y in names if left < x < right and top < y < bottom and name in WORKLOADS]
        if len(inside) == 1:
            yield Box(WORKLOADS[inside[0]], left, top, right, bottom)


def _lines(root: ElementTree.Element) -> Iterator[tuple[Point, Point]]:
    for line in root.iter(f"{SVG}line"):
        x1, y1, x2, y2 = (float(line.get(name, 0)) for name in ("x1", "y1", "x2", "y2"))
        yield (x1, y1), (x2, y2)
    for path in root.iter(f"{SVG}path"):
        if found := re.fullmatch(r"M(\S+) (\S+) H\S+ V(\S+) H(\S+)", path.get("d", "")):
            x1, y1, y2, x2 = map(float, found.groups())
            yield (x1, y1), (x2, y2)


def _at(boxes: list[Box], point: Point) -> str:
    found = {box.name for box in boxes if box.touches(point)}
    if not found and point[1] < USERS_Y:
        return USERS
    assert len(found) == 1, f"{point} touches {found or 'nothing'}"
    return found.pop()
