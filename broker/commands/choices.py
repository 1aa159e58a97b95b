"""Why `mesh top` says a node is asked or not: what the busiest caller expects of each node, part by part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rich.table import Table
from rich.text import Text

from broker.commands.samples import ANSWER_SECONDS, Look, calls_made
from broker.discovery.node_actions import CHOICES
from broker.mesh import Broker
from schema.errors import MeshError

NODES_SHOWN = 12
PARTS = {"path": "path_seconds", "work": "service_seconds", "wait": "wait_seconds", "penalty": "penalty_seconds"}
MISSING = "-"


class Why(NamedTuple):
    caller: str
    action: str
    scores: Sequence[Mapping[str, Any]]
    """Of each node, the one that is expected to answer first before the others."""


async def why(broker: Broker, now: Sequence[Look], before: Sequence[Look]) -> Why | None:
    """None while nobody calls, or if whoever calls does not say: its strategy may not compare expected times."""
    busiest = _busiest(now, before)
    if busiest is None:
        return None
    caller, action = busiest
    request = {"action": action}
    try:
        scores = await broker.call(CHOICES.name, request, node=caller, deadline_seconds=ANSWER_SECONDS)
    except MeshError:
        return None
    return Why(caller, action, sorted(scores, key=_seconds)) if scores else None


def parts(found: Why) -> Sequence[Text | Table]:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("expected ms", no_wrap=True)
    for name in (*PARTS, "sum", "share", "in flight"):
        table.add_column(name, justify="right", no_wrap=True)
    for score in found.scores[:NODES_SHOWN]:
        share = score["share"]
        style = "red" if score["penalty_seconds"] else "yellow" if share < 1 else ""
        table.add_row(
            str(score["node"]),
            *(_milliseconds(score[part]) for part in PARTS.values()),
            _milliseconds(_seconds(score)),
            f"{share:.0%}",
            str(score["in_flight"]),
            style=style,
        )
    more = len(found.scores) - NODES_SHOWN
    headline = Text(f"{found.caller} asks {found.action}", style="bold")
    return (headline, table, *([Text(f"and {more} more", style="dim")] if more > 0 else []))


def _busiest(now: Sequence[Look], before: Sequence[Look]) -> tuple[str, str] | None:
    """The node that made the most calls of one action between two looks."""
    earlier = {each.node: each for each in before}
    made: Counter[tuple[str, str]] = Counter()
    for each in now:
        for action, count in calls_made(each, earlier.get(each.node)).items():
            made[each.node, action] = int(count)
    busiest = made.most_common(1)
    return busiest[0][0] if busiest and busiest[0][1] else None


def _seconds(score: Mapping[str, Any]) -> float:
    return float(sum(score[part] for part in PARTS.values()))


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.1f}" if seconds else MISSING
