"""`mesh call` and `mesh emit`: what services do for each other, done by hand."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import orjson
import typer
from pydantic import RootModel

from broker.commands.joining import failed, parsed, run
from broker.mesh import Broker
from broker.policies.call_policy import DEFAULT
from schema.action import Event
from schema.stream import Stream

DEADLINE_SECONDS_MAX = 3_600

Request = Annotated[str, typer.Argument(help="Its request as JSON.")]
Deadline = Annotated[float, typer.Option(help="Seconds.", min=0.001, max=DEADLINE_SECONDS_MAX)]
OneNode = Annotated[str | None, typer.Option(help="Ask this node only.")]
Meta = Annotated[str, typer.Option(help="Its meta as JSON.")]


class Anything(RootModel[Any]):
    """The payload of an event whose contract is not known here."""


def call(
    action: Annotated[str, typer.Argument(help="<service>.<action>")],
    request: Request = "{}",
    deadline: Deadline = DEFAULT.deadline_seconds,
    node: OneNode = None,
    meta: Meta = "{}",
) -> None:
    """Call an action and print its reply as JSON, and nothing else; a stream as its chunks come."""
    fields, said = parsed(request, "request"), parsed(meta, "--meta")
    if not isinstance(said, dict):
        raise typer.BadParameter("not an object", param_hint="--meta")

    async def ask(broker: Broker) -> None:
        answer = await broker.call(action, fields, deadline_seconds=deadline, node=node, meta=said)
        if isinstance(answer, Stream):
            await _print_chunks(answer)
        else:
            _print(answer)

    run(ask)


def emit(
    event: Annotated[str, typer.Argument(help="<service>.<what happened>")],
    payload: Annotated[str, typer.Argument(help="As JSON.")] = "{}",
    broadcast: Annotated[bool, typer.Option(help="To every listening node, not to one of each group.")] = False,
) -> None:
    """Tell an event, and say on standard error who listens to it."""
    contract, fields = Event(event, Anything), parsed(payload, "payload")

    async def tell(broker: Broker) -> list[str]:
        listening = broker.registry.listeners(event)
        await (broker.broadcast if broadcast else broker.emit)(contract, Anything(fields))
        return [f"{group}: {' '.join(each.node for each in nodes)}" for group, nodes in sorted(listening.items())]

    listening = run(tell)
    if not listening:
        raise failed(f"nobody listens to {event}")
    print("\n".join(listening), file=sys.stderr)


async def _print_chunks(stream: Stream[Any]) -> None:
    async with stream:
        async for chunk in stream:
            if isinstance(chunk, bytes):
                sys.stdout.buffer.write(chunk)
            else:
                _print(chunk)


def _print(answer: Any) -> None:
    sys.stdout.buffer.write(orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE))
    sys.stdout.flush()
