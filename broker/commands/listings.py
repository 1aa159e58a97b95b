"""`mesh nodes`, `services`, `actions`, `ping`: who is there, what they serve, how far away they are."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from broker.commands.joining import others, run
from broker.discovery.node_lists import INTERNAL
from broker.discovery.registry import Node
from broker.mesh import Broker

ANSWER_SECONDS = 0.3
"""What nodes get to answer a ping: as long as they get to answer who they are."""
FILE_COLUMNS = 200
"""Where nobody says how wide it is, as in a pipe, rows are not broken."""

Row = Sequence[str]


def nodes() -> None:
    """Who is in the mesh, and how far away."""
    show(run(_seen), ("node", "region", "state", "ping ms", "protocol", "services"))


def services() -> None:
    """Which services there are, and on which nodes."""
    show(run(_services), ("service", "nodes"))


def actions() -> None:
    """Which actions there are, and on which nodes."""
    show(run(_actions), ("action", "safe", "nodes"))


def ping(count: Annotated[int, typer.Option("--count", "-c", help="Rounds.", min=1, max=100)] = 3) -> None:
    """Round-trip times to all nodes."""

    async def measured(broker: Broker) -> list[Row]:
        for _ in range(count):
            await broker.ping()
            await asyncio.sleep(ANSWER_SECONDS)
        latency = broker.latency
        return [
            (
                node.info.node,
                node.info.region,
                _milliseconds(latency.minimum_seconds(node.info.node)),
                _milliseconds(latency.average_seconds(node.info.node)),
            )
            for node in others(broker)
        ]

    show(run(measured), ("node", "region", "minimum ms", "average ms"))


def show(rows: Iterable[Row], headings: Row) -> None:
    table = Table(*headings)
    for row in rows:
        table.add_row(*row)
    console().print(table)


def console() -> Console:
    known = Console()
    return known if known.is_terminal or "COLUMNS" in os.environ else Console(width=FILE_COLUMNS)


async def _seen(broker: Broker) -> list[Row]:
    await broker.ping()
    await asyncio.sleep(ANSWER_SECONDS)
    return [
        (
            node.info.node,
            node.info.region,
            "available" if node.available else "gone",
            _milliseconds(broker.latency.minimum_seconds(node.info.node)),
            node.info.version,
            " ".join(_services_of(node)),
        )
        for node in others(broker)
    ]


async def _services(broker: Broker) -> list[Row]:
    serving: dict[str, list[str]] = {}
    for node in others(broker):
        for name in _services_of(node):
            serving.setdefault(name, []).append(node.info.node)
    return [(name, " ".join(names)) for name, names in sorted(serving.items())]


async def _actions(broker: Broker) -> list[Row]:
    names = sorted({name for node in others(broker) for name in node.actions if not name.startswith(INTERNAL)})
    rows = ((name, broker.registry.endpoints(name)) for name in names)
    return [
        (name, "yes" if all(each.safe for each in endpoints) else "no", " ".join(each.node for each in endpoints))
        for name, endpoints in rows
    ]


def _services_of(node: Node) -> list[str]:
    return [service.name for service in node.info.services if not service.name.startswith(INTERNAL)]


def _milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.2f}"
