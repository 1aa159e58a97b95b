"""How a command takes part in a mesh: as one more node of it, for as long as it runs, and how it ends.

0   it did what it was asked
1   the mesh said no: the code and the reason are on standard error
2   it was asked wrongly: an argument, or a variable of the environment
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from secrets import token_hex
from typing import Any, ClassVar, TypeVar

import orjson
import typer

from broker.config import BrokerConfig, Region
from broker.discovery.registry import Node
from broker.environment import BadEnvironment, read_environment
from broker.local_mesh import completed
from broker.mesh import Broker
from broker.nats.client import NatsClient
from broker.settings import TierSettings
from schema.errors import MeshError

CONNECT_SECONDS = 5.0
FAILED, MISUSED = 1, 2
NO_REGION = "nowhere"

Result = TypeVar("Result")


class MeshSettings(TierSettings):
    tier: ClassVar[str] = "mesh"
    region: Region = NO_REGION


class NoMesh(Exception):
    """No server answers."""


def run(ask: Callable[[Broker], Awaitable[Result]]) -> Result:
    """What it answers; ends the command if it fails."""
    logging.basicConfig(level=logging.CRITICAL)  # what goes wrong is said once, below
    try:
        return asyncio.run(_joined_to(ask))
    except BadEnvironment as error:
        raise misused(str(error)) from None
    except NoMesh as error:
        raise failed(f"unavailable: {error}") from None
    except MeshError as error:
        raise failed(f"{error.code}: {error.message}") from None
    except KeyboardInterrupt:
        raise typer.Exit from None


def parsed(text: str, name: str) -> Any:
    """An argument that is JSON."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise typer.BadParameter(f"not JSON: {error}", param_hint=name) from None


def failed(text: str) -> typer.Exit:
    say(text)
    return typer.Exit(FAILED)


def misused(text: str) -> typer.Exit:
    say(text)
    return typer.Exit(MISUSED)


def say(text: str) -> None:
    print(text, file=sys.stderr)


def others(broker: Broker) -> list[Node]:
    """All nodes but this one, by region and name."""
    known = (node for node in broker.registry if not node.local)
    return sorted(known, key=lambda node: (node.info.region, node.info.node))


async def _joined_to(ask: Callable[[Broker], Awaitable[Result]]) -> Result:
    async with _joined(read_environment(MeshSettings, completed(os.environ))) as broker:
        return await ask(broker)


@asynccontextmanager
async def _joined(settings: MeshSettings) -> AsyncIterator[Broker]:
    node = settings.node or f"mesh.{token_hex(4)}"
    config = BrokerConfig(region=settings.region, node=node, tier=settings.tier, namespace=settings.namespace)
    broker = Broker(config, NatsClient(settings.nats_settings()))
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await broker.start()
    except TimeoutError:
        raise NoMesh(f"no connection to the mesh at {', '.join(settings.nats_urls)}") from None
    try:
        yield broker
    finally:
        await broker.stop()
