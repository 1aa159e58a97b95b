"""What a choice costs the caller: with a mesh of 21 nodes, and of 1,000, while load reports come in."""

from __future__ import annotations

import time
from collections.abc import Sequence
from random import Random
from statistics import median

from bench.report import OURS, Row
from broker.discovery.registry import Endpoint
from broker.strategies.names import FASTEST, STRATEGIES, Place, named
from broker.strategies.outcome import Outcome
from broker.strategies.strategy import Strategy
from broker.wire.load import Load

REGIONS = 7
ROUNDS = 25
CHOICES = 1_000
LIMITS_MICROSECONDS = {21: 5.0, 1_000: 30.0}
SIZES = tuple(LIMITS_MICROSECONDS)
RTT_STEP_SECONDS = 0.015
LOAD = Load(3, 0, 0.02, 0.0)


def run() -> list[Row]:
    """Medians of rounds in which contenders take turns: a moment in which the machine is slow is one round of each."""
    names = (OURS, *(name for name in STRATEGIES if name != FASTEST))
    contenders = [(name, nodes, *_ready(FASTEST if name == OURS else name, nodes)) for nodes in SIZES for name in names]
    rounds = [[_microseconds(strategy, candidates) for _, _, strategy, candidates in contenders] for _ in range(ROUNDS)]
    return [
        Row(case(nodes), name, round(median(taken), 3), "us", False)
        for (name, nodes, _, _), taken in zip(contenders, zip(*rounds, strict=True), strict=True)
    ]


def case(nodes: int) -> str:
    return f"one choice among {nodes:,} nodes"


def _ready(name: str, nodes: int) -> tuple[Strategy, Sequence[Endpoint]]:
    candidates = tuple(
        Endpoint(f"node-{number}", "x.y", f"region-{number % REGIONS}", True, False) for number in range(nodes)
    )
    return named(name)(Place("region-0", time.monotonic, Random(1))), candidates


def _microseconds(strategy: Strategy, candidates: Sequence[Endpoint]) -> float:
    """Each node has just answered, so everything that is looked at is there. Processor time, which does not pass while
    something else runs."""
    for number, endpoint in enumerate(candidates):
        strategy.measured(endpoint.node, endpoint.region, (number % REGIONS + 0.1) * RTT_STEP_SECONDS)
        strategy.started(endpoint)
        strategy.finished(endpoint, 0.03, Outcome.ANSWERED, LOAD)
    choose, began_at = strategy.choose, time.thread_time()
    for _ in range(CHOICES):
        choose(candidates)
    return (time.thread_time() - began_at) / CHOICES * 1e6
