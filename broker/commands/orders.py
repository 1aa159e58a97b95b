"""`mesh drain` and `mesh return`: take a node out of work and back, without stopping its process; `return` takes back a
whole region as well."""

from __future__ import annotations

from typing import Annotated

import typer

from broker.commands.evacuation import bring_back
from broker.commands.joining import others, run, say
from broker.mesh import Broker
from broker.orders import DRAIN, RETURN
from schema.errors import NotFound

Node = Annotated[str, typer.Argument(help="Its id, as `mesh nodes` shows it.")]
Wait = Annotated[float, typer.Option(help="Seconds for it to finish what it has begun.", min=0.1, max=3_600)]


def drain(node: Node, wait: Wait = 30.0) -> None:
    """Have a node finish what it has begun and take no more; says when it has."""
    _order(node, DRAIN, wait)
    say(f"{node} has finished what it had begun, and takes nothing more until `mesh return {node}`")


def take_back(
    name: Annotated[str, typer.Argument(help="A node's id, or the name of a region that was evacuated.")],
    wait: Annotated[float, typer.Option(help="Seconds for each step.", min=0.1, max=3_600)] = 60.0,
) -> None:
    """Have a node, or a whole region, take work again."""

    async def give(broker: Broker) -> None:
        if any(node.info.region == name for node in others(broker)) and not broker.registry.sees(name):
            await bring_back(broker, name, wait)
        else:
            await _give(broker, name, RETURN, wait)

    run(give)
    say(f"{name} takes work again")


def _order(node: str, order: str, seconds: float) -> None:
    run(lambda broker: _give(broker, node, order, seconds))


async def _give(broker: Broker, node: str, order: str, seconds: float) -> None:
    if not broker.registry.sees(node):
        raise NotFound(f"there is no node {node}")
    await broker.order(node, order, deadline_seconds=seconds)
