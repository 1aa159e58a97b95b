"""`mesh bench`: one action called again and again, and how fast it is from here."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Annotated, Any

import orjson
import typer

from broker.commands.calls import OneNode, Request
from broker.commands.joining import failed, parsed, run, say
from broker.commands.listings import show
from broker.mesh import Broker
from schema.errors import MeshError

IN_FLIGHT_MAX = 4_096
TIMES_MAX = 1_000_000
"""Of calls whose times are remembered: about 30 MB."""


@dataclass
class Findings:
    seconds: float = 0.0
    times_seconds: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)

    @property
    def answered(self) -> int:
        return len(self.times_seconds)

    def milliseconds(self, share: float) -> float:
        times = sorted(self.times_seconds)
        return times[min(len(times) - 1, int(share * len(times)))] * 1000 if times else 0.0

    def as_fields(self) -> dict[str, Any]:
        return {
            "requests_per_second": round(self.answered / self.seconds, 1),
            "answered": self.answered,
            "failed": dict(self.failures),
            "p50_milliseconds": round(self.milliseconds(0.5), 3),
            "p95_milliseconds": round(self.milliseconds(0.95), 3),
            "p99_milliseconds": round(self.milliseconds(0.99), 3),
        }


def bench(
    action: Annotated[str, typer.Argument(help="<service>.<action>; it is called very often, so choose a safe one")],
    request: Request = "{}",
    seconds: Annotated[float, typer.Option(help="How long.", min=0.1, max=600)] = 5.0,
    in_flight: Annotated[int, typer.Option(help="Calls at a time.", min=1, max=IN_FLIGHT_MAX)] = 32,
    node: OneNode = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print an object instead of a table.")] = False,
) -> None:
    """Call an action as fast as it answers, and measure that. One process: a fast service is faster than this shows."""
    fields = parsed(request, "request")

    async def load(broker: Broker) -> Findings:
        await broker.call(action, fields, node=node)
        return await measured(broker, action, fields, node, seconds, in_flight)

    found = run(load)
    if as_json:
        print(orjson.dumps(found.as_fields()).decode())
    else:
        _show(found)
    if found.failures:
        for code, count in found.failures.most_common():
            say(f"{count} failed: {code}")
        raise failed(f"{found.failures.total()} of {found.failures.total() + found.answered} calls failed")


async def measured(
    broker: Broker, action: str, request: Any, node: str | None, seconds: float, in_flight: int
) -> Findings:
    found, began_at = Findings(), time.perf_counter()

    async def call_until_the_end() -> None:
        while (started_at := time.perf_counter()) - began_at < seconds:
            try:
                await broker.call(action, request, node=node)
            except MeshError as error:
                found.failures[error.code] += 1
                await asyncio.sleep(0)
            else:
                if found.answered < TIMES_MAX:
                    found.times_seconds.append(time.perf_counter() - started_at)

    await asyncio.gather(*(call_until_the_end() for _ in range(in_flight)))
    found.seconds = time.perf_counter() - began_at
    return found


def _show(found: Findings) -> None:
    fields = found.as_fields()
    names = ("requests/s", "answered", "failed", "p50 ms", "p95 ms", "p99 ms")
    values = (
        f"{fields['requests_per_second']:,.0f}",
        f"{found.answered:,}",
        f"{found.failures.total():,}",
        *(f"{fields[name]:,.2f}" for name in ("p50_milliseconds", "p95_milliseconds", "p99_milliseconds")),
    )
    show([values], names)
