"""`mesh drain` and `mesh return`: take a node out of work and back, without stopping its process."""

from __future__ import annotations

from typing import Annotated

import typer

from broker.commands.joining import failed, run, say
from broker.mesh import Broker
from broker.orders import DRAIN, RETURN

Node = Annotated[str, typer.Argument(help="Its id, as `mesh nodes` shows it.")]
Wait = Annotated[float, typer.Option(help="Seconds for it to finish what it has begun.", min=0.1, max=3_600)]


def drain(node: Node, wait: Wait = 30.0) -> None:
    """Have a node finish what it has begun and take no more; says when it has."""
    _order(node, DRAIN, wait)
    say(f"{node} has finished what it had begun, and takes nothing more until `mesh return {node}`")


def take_back(node: Node, wait: Wait = 5.0) -> None:
    """Have a node take work again."""
    _order(node, RETURN, wait)
    say(f"{node} takes work again")


def _order(node: str, order: str, seconds: float) -> None:
    async def give(broker: Broker) -> bool:
        known = broker.registry.sees(node)
        if known:
            await broker.order(node, order, deadline_seconds=seconds)
        return known

    if not run(give):
        raise failed(f"not_found: there is no node {node}")
