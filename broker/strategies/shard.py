"""The same node for the same key, for actions that keep something of a key in memory (consistent hashing).

Each node has many places on a ring, and a key belongs to the next place: when a node comes or goes, only the keys next
to its places move. A key whose node is avoided goes on to the next node. Calls without a key go anywhere.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Container, Sequence
from hashlib import blake2b
from random import Random

from broker.discovery.registry import Endpoint
from broker.strategies.strategy import NOBODY, Unheeding, admitted

PLACES = 100
"""Of each node: the busiest node of ten then has about a quarter more keys than its share."""
RINGS_MAX = 64


class Shard(Unheeding):
    def __init__(self, random: Random) -> None:
        self._random = random
        self._rings: dict[frozenset[str], list[tuple[int, str]]] = {}

    def choose(
        self, candidates: Sequence[Endpoint], avoided: Container[str] = NOBODY, key: str | None = None
    ) -> Endpoint:
        if key is None:
            return self._random.choice(admitted(candidates, avoided))
        by_node = {each.node: each for each in candidates}
        ring = self._ring(frozenset(by_node))
        at = bisect(ring, (_place(key), ""))
        owners = (ring[(at + step) % len(ring)][1] for step in range(len(ring)))
        first = ring[at % len(ring)][1]
        return by_node[next((node for node in owners if node not in avoided), first)]

    def _ring(self, nodes: frozenset[str]) -> list[tuple[int, str]]:
        ring = self._rings.get(nodes)
        if ring is None:
            if len(self._rings) >= RINGS_MAX:
                self._rings.clear()
            ring = self._rings[nodes] = sorted(
                (_place(f"{node}/{number}"), node) for node in nodes for number in range(PLACES)
            )
        return ring


def _place(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")
