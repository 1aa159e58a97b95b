"""`mesh`: look at a running mesh and call what it serves, as one more node of it.

`mesh call` prints the JSON reply and nothing else on standard output; whatever goes wrong is said on standard error.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from secrets import token_hex
from typing import Annotated, Any, ClassVar, TypeVar

import orjson
import typer
from rich.console import Console
from rich.table import Table

from broker.config import BrokerConfig, Region
from broker.environment import BadEnvironment, read_environment
from broker.guest_command import credentials
from broker.local_mesh import completed
from broker.mesh import Broker
from broker.nats_client import NatsClient
from broker.node_lists import INTERNAL
from broker.registry import Node
from broker.settings import TierSettings
from schema.errors import MeshError

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 0.3
"""What nodes get to answer a ping: as long as they get to answer who they are."""
FAILED = 1
MISUSED = 2
NO_REGION = "nowhere"

Result = TypeVar("Result")

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Look at a mesh and call what it serves.")

app.command()(credentials)


class MeshSettings(TierSettings):
    tier: ClassVar[str] = "mesh"
    region: Region = NO_REGION


@app.command()
def nodes() -> None:
    """Who is in the mesh, and how far away."""
    _show(_run(_seen), ("node", "region", "state", "protocol", "ping ms", "services"))


@app.command()
def services() -> None:
    """Which services there are, and on which nodes."""
    _show(_run(_services), ("service", "nodes"))


@app.command()
def actions() -> None:
    """Which actions there are, and on which nodes."""
    _show(_run(_actions), ("action", "safe", "nodes"))


@app.command()
def ping() -> None:
    """Round-trip times to all nodes."""
    _show(_run(_pings), ("node", "region", "minimum ms", "average ms"))


@app.command()
def call(
    action: Annotated[str, typer.Argument(help="<service>.<action>")],
    request: Annotated[str, typer.Argument(help="its request as JSON")] = "{}",
    deadline: Annotated[float, typer.Option(help="seconds", min=0.001, max=3600)] = 5.0,
) -> None:
    """Call an action and print its reply as JSON."""
    try:
        fields = orjson.loads(request)
    except orjson.JSONDecodeError as error:
        raise typer.BadParameter(f"not JSON: {error}", param_hint="request") from None

    async def ask(broker: Broker) -> Any:
        return await broker.call(action, fields, deadline_seconds=deadline)

    sys.stdout.buffer.write(orjson.dumps(_run(ask), option=orjson.OPT_APPEND_NEWLINE))


def main() -> None:
    app()


def _run(ask: Callable[[Broker], Awaitable[Result]]) -> Result:
    async def joined() -> Result:
        async with _joined(read_environment(MeshSettings, completed(os.environ))) as broker:
            return await ask(broker)

    try:
        return asyncio.run(joined())
    except BadEnvironment as error:
        _say(str(error))
        raise typer.Exit(MISUSED) from None
    except MeshError as error:
        _say(f"{error.code}: {error.message}")
        raise typer.Exit(FAILED) from None
    except TimeoutError:
        _say("timeout: no connection to the mesh")
        raise typer.Exit(FAILED) from None


@asynccontextmanager
async def _joined(settings: MeshSettings) -> AsyncIterator[Broker]:
    node = settings.node or f"mesh.{token_hex(4)}"
    config = BrokerConfig(region=settings.region, node=node, namespace=settings.namespace)
    broker = Broker(config, NatsClient(settings.nats_settings()))
    async with asyncio.timeout(CONNECT_SECONDS):
        await broker.start()
    try:
        yield broker
    finally:
        await broker.stop()


def _others(broker: Broker) -> list[Node]:
    others = (node for node in broker.registry if not node.local)
    return sorted(others, key=lambda node: (node.info.region, node.info.node))


async def _seen(broker: Broker) -> list[tuple[str, ...]]:
    await asyncio.sleep(ANSWER_SECONDS)
    return [
        (
            node.info.node,
            node.info.region,
            "available" if node.available else "gone",
            node.info.version,
            _milliseconds(broker.latency.minimum_seconds(node.info.node)),
            " ".join(service.name for service in node.info.services if not service.name.startswith(INTERNAL)),
        )
        for node in _others(broker)
    ]


async def _services(broker: Broker) -> list[tuple[str, ...]]:
    serving: dict[str, list[str]] = {}
    for node in _others(broker):
        for service in node.info.services:
            if service.name.startswith(INTERNAL):
                continue
            serving.setdefault(service.name, []).append(node.info.node)
    return [(name, " ".join(names)) for name, names in sorted(serving.items())]


async def _actions(broker: Broker) -> list[tuple[str, ...]]:
    names = sorted({name for node in _others(broker) for name in node.actions if not name.startswith(INTERNAL)})
    rows = ((name, broker.registry.endpoints(name)) for name in names)
    return [
        (name, "yes" if all(each.safe for each in endpoints) else "no", " ".join(each.node for each in endpoints))
        for name, endpoints in rows
    ]


async def _pings(broker: Broker) -> list[tuple[str, ...]]:
    await asyncio.sleep(ANSWER_SECONDS)
    latency = broker.latency
    return [
        (
            node.info.node,
            node.info.region,
            _milliseconds(latency.minimum_seconds(node.info.node)),
            _milliseconds(latency.average_seconds(node.info.node)),
        )
        for node in _others(broker)
    ]


def _milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.2f}"


def _show(rows: list[tuple[str, ...]], headings: tuple[str, ...]) -> None:
    table = Table(*headings)
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def _say(text: str) -> None:
    print(text, file=sys.stderr)
