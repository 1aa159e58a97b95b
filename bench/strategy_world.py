"""A model of regions for the strategies' scoreboard: nodes with a concurrency limit and a bounded queue, and paths.

Only what the mesh cannot choose is made up here: how long work takes, how far away a region is, what breaks. Times are
drawn before a run and belong to its trace, so that every strategy meets the same luck.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from random import Random
from typing import TypeAlias

from bench.virtual_time import VirtualTime
from broker.discovery.registry import Endpoint
from broker.refusals import Late, NodeFull
from broker.wire.load import Load
from schema.errors import Internal, MeshError, Unavailable

ACTION = "courses.term"
FAIL_FAST_SECONDS = 0.0005
JITTER = 0.02
"""Mean of what is added to a path, as a share of it."""
COLD_REQUESTS = 200
"""That a node serves after its start with cold caches, and how many times as long they take."""
COLD_TIMES = 3.0


class Mode(Enum):
    WELL = auto()
    UNAVAILABLE = auto()
    """Fails at once, with an error that says so."""
    INTERNAL = auto()
    """Fails at once, as a defect does."""
    SILENT = auto()


Answer: TypeAlias = Callable[[MeshError | None, Load | None], None]


@dataclass(frozen=True, slots=True)
class Asked:
    work_seconds: float
    until_seconds: float
    answer: Answer


@dataclass(frozen=True, slots=True)
class Size:
    nodes: int
    concurrency: int
    queue_capacity: int


class Node:
    def __init__(self, name: str, region: str, size: Size, time: VirtualTime) -> None:
        self.name = name
        self.endpoint = Endpoint(name, ACTION, region, True, False)
        self.region = region
        self.mode = Mode.WELL
        self.slowness = 1.0
        self.concurrency = size.concurrency
        self.running = self.coming = 0
        """`coming`: on their way here."""
        self.busy_seconds = 0.0
        self.waiting: deque[tuple[Asked, float]] = deque()
        self._queue_capacity = size.queue_capacity
        self._cold = 0
        self._time = time

    @property
    def in_system(self) -> int:
        return self.running + len(self.waiting)

    @property
    def times_usual(self) -> float:
        return self.slowness * (COLD_TIMES if self._cold else 1.0)

    def chill(self) -> None:
        self._cold = COLD_REQUESTS

    def arrive(self, asked: Asked) -> None:
        self.coming -= 1
        if self.mode is Mode.SILENT:
            return
        if self.mode is not Mode.WELL:
            error = Unavailable("text") if self.mode is Mode.UNAVAILABLE else Internal("text")
            self._time.call_later(FAIL_FAST_SECONDS, partial(asked.answer, error, self._load(FAIL_FAST_SECONDS, 0.0)))
        elif self.running < self.concurrency:
            self._begin(asked, self._time.now())
        elif len(self.waiting) < self._queue_capacity:
            self.waiting.append((asked, self._time.now()))
        else:
            asked.answer(NodeFull("text"), self._load(0.0, 0.0))

    def _begin(self, asked: Asked, came_at_seconds: float) -> None:
        now = self._time.now()
        if now >= asked.until_seconds:
            asked.answer(Late("text"), self._load(0.0, now - came_at_seconds))
            return
        self.running += 1
        seconds = asked.work_seconds * self.times_usual
        self._cold = max(0, self._cold - 1)
        self._time.call_later(seconds, partial(self._end, asked, seconds, now - came_at_seconds))

    def _end(self, asked: Asked, seconds: float, queued_seconds: float) -> None:
        self.running -= 1
        self.busy_seconds += seconds
        while self.waiting and self.running < self.concurrency:
            self._begin(*self.waiting.popleft())
        if self.mode is not Mode.SILENT:
            asked.answer(None, self._load(seconds, queued_seconds))

    def _load(self, seconds: float, queued_seconds: float) -> Load:
        return Load(self.running, len(self.waiting), seconds, queued_seconds)


class World:
    def __init__(
        self, sizes: Mapping[str, Size], rtt_seconds: Mapping[tuple[str, str], float], absent: Sequence[str], seed: int
    ) -> None:
        """`rtt_seconds` from the region of a caller to that of a node; nodes of `absent` regions join later."""
        self.time = VirtualTime()
        self.rtt_seconds = dict(rtt_seconds)
        self._random = Random(seed)
        names = [(f"{region}-{number}", region) for region, size in sizes.items() for number in range(size.nodes)]
        self.nodes = {name: Node(name, region, sizes[region], self.time) for name, region in names}
        self.endpoints = _endpoints(node for node in self.nodes.values() if node.region not in absent)
        self.when_joined: list[Callable[[str], None]] = []

    def send(self, origin: str, endpoint: Endpoint, asked: Asked) -> None:
        node = self.nodes[endpoint.node]
        node.coming += 1
        back = partial(self._send_back, origin, node.region, asked.answer)
        there = Asked(asked.work_seconds, asked.until_seconds, back)
        self.time.call_later(self.one_way_seconds(origin, node.region), partial(node.arrive, there))

    def one_way_seconds(self, origin: str, region: str) -> float:
        return self.rtt_seconds[origin, region] / 2 * (1 + self._random.expovariate(1 / JITTER))

    def join(self, region: str) -> None:
        """Its nodes were not there, or not heard; their caches are cold."""
        joining = [node for node in self.nodes.values() if node.region == region]
        present = {each.node for each in self.endpoints}
        self.endpoints = _endpoints(
            node for node in self.nodes.values() if node.name in present or node.region == region
        )
        for node in joining:
            node.chill()
            for joined in self.when_joined:
                joined(node.name)

    def _send_back(self, origin: str, region: str, answer: Answer, error: MeshError | None, load: Load | None) -> None:
        self.time.call_later(self.one_way_seconds(origin, region), partial(answer, error, load))


def _endpoints(nodes: Iterable[Node]) -> tuple[Endpoint, ...]:
    return tuple(node.endpoint for node in nodes)
