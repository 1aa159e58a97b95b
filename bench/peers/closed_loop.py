"""The load: so many calls in flight, each made again as soon as it is answered, in phases; the same for all contenders.

`python -m bench.peers.<contender> callee URL` prints "ready" once it serves. `... caller URL PLAN` prints a JSON object
for each phase. PLAN is a JSON list of `{"case", "text", "in_flight", "slow_beside", "seconds"}`. Both stay until their
input ends, so that their memory can be read, and none outlives the benchmark.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import uvloop

from bench.peers.answers import answer_bytes

Ask: TypeAlias = Callable[[str], Awaitable[Any]]
"""A call, answered with a text, with bytes, or with as many of anything as there were bytes in a stream."""
Serve: TypeAlias = Callable[[str], Awaitable[None]]
"""Given the server's URL; returns once it answers."""
Join: TypeAlias = Callable[[str], Awaitable[Ask]]


@dataclass(frozen=True)
class Phase:
    case: str
    text: str = "hello"
    in_flight: int = 1
    slow_beside: int = 0
    """Calls in flight, beside those that are measured, whose handler takes its time."""
    seconds: float = 1.0


def main(serve: Serve, join: Join) -> None:
    role, url = sys.argv[1:3]
    if role == "callee":
        uvloop.run(_stay(serve, url))
    else:
        uvloop.run(_drive(join, url, [Phase(**fields) for fields in json.loads(sys.argv[3])]))


async def _stay(serve: Serve, url: str) -> None:
    await serve(url)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)


async def _drive(join: Join, url: str, plan: list[Phase]) -> None:
    ask = await join(url)
    for phase in plan:
        print(json.dumps(await measure(ask, phase)), flush=True)
    await asyncio.to_thread(sys.stdin.read)


async def measure(ask: Ask, phase: Phase) -> dict[str, Any]:
    latencies: list[float] = []
    began_at = time.perf_counter()
    end_at = began_at + phase.seconds
    beside = [asyncio.ensure_future(_repeat(ask, "slow", end_at, [])) for _ in range(phase.slow_beside)]
    await asyncio.gather(*(_repeat(ask, phase.text, end_at, latencies) for _ in range(phase.in_flight)))
    took_seconds = time.perf_counter() - began_at
    await asyncio.gather(*beside)
    latencies.sort()
    return {
        "case": phase.case,
        "requests_per_second": len(latencies) / took_seconds,
        "p50_milliseconds": _quantile(latencies, 0.5) * 1_000,
        "p99_milliseconds": _quantile(latencies, 0.99) * 1_000,
    }


async def _repeat(ask: Ask, text: str, end_at: float, latencies: list[float]) -> None:
    expected_bytes = answer_bytes(text)
    clock = time.perf_counter
    while (asked_at := clock()) < end_at:
        if len(await ask(text)) != expected_bytes:
            raise ValueError(f"a wrong answer to {text}")
        latencies.append(clock() - asked_at)


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
