"""Circles among transactions: each was before the next, and the last before the first.

    G0        ww alone                  they overwrote each other crosswise
    G1c       ww and wr                 each saw the other's effect
    G-single  ww, wr, and one rw        one saw a part of another's effect, and missed the rest

Circles with several rw (write skew, G2) are not looked for: snapshot isolation allows them, and more is not promised.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import TypeAlias

import networkx as nx

from tests.drills.history import Anomaly, Kind

Dependency: TypeAlias = tuple[str, str, str, str]
Graph: TypeAlias = "nx.DiGraph[str]"


def find_cycles(dependencies: Iterable[Dependency]) -> Iterator[Anomaly]:
    """One of each knot of circles; of those with one rw, one for each rw. Of (earlier, later, why, key)."""
    found = list(dependencies)
    writes, flow, everything = (_graph(found, kinds) for kinds in (("ww",), ("ww", "wr"), ("ww", "wr", "rw")))
    yield from _knots(writes, Kind.WRITE_CYCLE)
    yield from (each for each in _knots(flow, Kind.CIRCULAR_FLOW) if " wr(" in each.detail)
    component = {name: knot for knot in nx.strongly_connected_components(everything) for name in knot}
    for earlier, later, why, key in found:
        # Only inside of a knot is there a way back; nearly all that is sound ends here.
        if why == "rw" and later in component[earlier]:
            inside = flow.subgraph(component[earlier])
            if nx.has_path(inside, later, earlier):
                back = _told(flow, nx.shortest_path(inside, later, earlier))
                yield Anomaly(Kind.SINGLE_ANTI_DEPENDENCY, f"{earlier} rw({key}) {back}")


def _graph(dependencies: Iterable[Dependency], kinds: tuple[str, ...]) -> Graph:
    graph: Graph = nx.DiGraph()
    for earlier, later, why, key in dependencies:
        graph.add_nodes_from((earlier, later))
        if why in kinds and not graph.has_edge(earlier, later):
            graph.add_edge(earlier, later, why=f"{why}({key})")
    return graph


def _knots(graph: Graph, kind: Kind) -> Iterator[Anomaly]:
    for names in nx.strongly_connected_components(graph):
        if len(names) > 1:
            circle = [earlier for earlier, _ in nx.find_cycle(graph.subgraph(names))]
            yield Anomaly(kind, _told(graph, [*circle, circle[0]]))


def _told(graph: Graph, way: list[str]) -> str:
    return way[0] + "".join(f" {graph.edges[step]['why']} {step[1]}" for step in pairwise(way))
