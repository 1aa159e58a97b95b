"""A real node of the strategies' laboratory: as many places and as long a queue as the scenario says, and work that
takes its time. What it does wrong, and when, it is told as any node of the laboratory is.

    python -m bench.strategy_node         everything is in its environment
"""

from __future__ import annotations

import asyncio
import math
import os
import sys
from collections.abc import Sequence
from random import Random
from typing import ClassVar

from bench.strategy_run import SIGMA
from broker import Broker, Context, Service, action
from broker.clock import SystemClock
from broker.config import Capacity
from broker.environment import read_environment
from broker.nats.client import NatsClient
from broker.process import Fail, run
from broker.settings import TierSettings
from schema.action import Action, Message

TIER = "messier"
"""The laboratory's hubs let nodes in by the names of our tiers."""


class Asked(Message):
    seed: int
    number: int
    """Of the call, in the trace of that seed."""
    mean_seconds: float


class Answered(Message):
    node: str
    work_seconds: float
    """As long as it had one of the node's places."""


WORK = Action("strategy.work", Asked, Answered, safe=True)


def work_seconds(request: Asked, node: str) -> float:
    """The same for every strategy that sends this call to this node; another node has other luck with it."""
    random = Random(f"{request.seed} {request.number} {node}")
    return random.lognormvariate(math.log(request.mean_seconds) - SIGMA**2 / 2, SIGMA)


class Work(Service):
    name: ClassVar[str] = "strategy"

    def __init__(self, node: str) -> None:
        self._node = node

    @action(WORK)
    async def work(self, context: Context, request: Asked) -> Answered:
        now = asyncio.get_running_loop().time
        began_at_seconds = now()
        await asyncio.sleep(work_seconds(request, self._node))
        return Answered(node=self._node, work_seconds=now() - began_at_seconds)


class NodeSettings(TierSettings):
    tier: ClassVar[str] = TIER

    concurrency: Capacity
    queue_capacity: Capacity


def build(settings: NodeSettings, fail: Fail) -> Sequence[Broker]:
    size = {"concurrency": settings.concurrency, "queue_capacity": settings.queue_capacity}
    config = settings.broker_config().model_copy(update=size)
    broker = Broker(config, NatsClient(settings.nats_settings()), middlewares=settings.middlewares(SystemClock()))
    broker.add(Work(broker.node_id))
    broker.on_fatal(fail)
    return [broker]


def main() -> int:
    settings = read_environment(NodeSettings, os.environ)
    name = settings.broker_config().node
    return run(lambda fail: build(settings, fail), log_level=settings.log_level, node=name, region=settings.region)


if __name__ == "__main__":
    sys.exit(main())
