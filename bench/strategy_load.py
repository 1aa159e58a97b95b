"""The caller of the strategies' laboratory: a node of the mesh that makes calls at random times (Poisson), whether or
not earlier ones are answered, and writes down what became of each.

    python -m bench.strategy_load ORDER   ORDER is JSON; where the mesh is, is in its environment

It prints "ready" once it knows every node, begins when it is sent a line, and prints a `Began` and then an `Account`.
It stays until its input ends, so that what it used of a processor can be read.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from random import Random
from statistics import fmean
from typing import ClassVar

import uvloop
from pydantic import BaseModel

from bench.strategy_lone_oracle import LoneOracle
from bench.strategy_node import TIER, WORK, Asked
from bench.strategy_run import ORACLE
from broker import Broker
from broker.environment import read_environment
from broker.nats.client import NatsClient
from broker.process import collect_less
from broker.settings import TierSettings
from broker.strategies.names import named
from broker.transport import NO_NATS_HEADERS, Headers
from broker.wire.topics import Kind, Topics
from schema.errors import MeshError

JOIN_SECONDS = 20.0
LOOK_SECONDS = 0.05
PINGS = 6
"""To every node, before the load: as many as are remembered."""
PING_SECONDS = 0.25
"""Between them; more than the farthest round trip."""
GRACE_SECONDS = 6.0
"""After the last call, more than its deadline."""
GRAIN_SECONDS = 0.002
"""A timer may be so late. What is later is this process' own standstill, and callers wait through it."""
REQUESTS = Topics().of(Kind.REQUEST, f"{TIER}-")


class Broken(BaseModel):
    """What an oracle is told: which node breaks, named as in the model, and when."""

    node: str
    at_seconds: float


class Order(BaseModel):
    strategy: str
    """By its name, or `oracle`."""
    seed: int
    calls_per_second: float
    seconds: float
    work_seconds: float
    nodes: int
    concurrency: dict[str, int] = {}
    """Of each node of a region."""
    broken: Broken | None = None


class Began(BaseModel):
    at_seconds: float
    """Of the machine's monotonic clock, which all processes share."""


class Noted(BaseModel):
    """What became of a call; times are since the beginning."""

    made_at_seconds: float
    sent: list[tuple[float, str]] = []
    done_at_seconds: float | None = None
    error: str | None = None
    node: str = ""
    """That answered."""
    work_seconds: float = 0.0

    @property
    def first_node(self) -> str:
        return self.sent[0][1] if self.sent else ""


class Account(BaseModel):
    calls: list[Noted]
    round_trips_seconds: dict[str, float]
    """To each region, by the mesh's own pings while nobody called: the paths, with hubs, encryption and two event loops
    on them."""


class LoadSettings(TierSettings):
    tier: ClassVar[str] = "andromeda"


CURRENT: ContextVar[Noted | None] = ContextVar("call", default=None)


class NotingClient(NatsClient):
    """Writes down each attempt as it leaves, also those that nobody answers."""

    began_at_seconds = 0.0

    def post(self, subject: str, payload: bytes, reply: str = "", headers: Headers = NO_NATS_HEADERS) -> bool:
        posted = super().post(subject, payload, reply, headers)
        if posted:
            self._note(subject)
        return posted

    async def publish(self, subject: str, payload: bytes, reply: str = "", headers: Headers = NO_NATS_HEADERS) -> None:
        await super().publish(subject, payload, reply, headers)
        self._note(subject)

    def _note(self, subject: str) -> None:
        call = CURRENT.get()
        if call is not None and subject.startswith(REQUESTS):
            call.sent.append((time.monotonic() - self.began_at_seconds, subject.removeprefix(REQUESTS)))


class Load:
    def __init__(self, order: Order, broker: Broker, client: NotingClient, oracle: LoneOracle | None) -> None:
        self._order = order
        self._oracle = oracle
        self._broker = broker
        self._client = client
        self._calls: list[Noted] = []
        self._running: set[asyncio.Task[None]] = set()

    async def wait_for_all(self) -> None:
        """Raises `TimeoutError`."""
        async with asyncio.timeout(JOIN_SECONDS):
            while len(self._broker.registry.endpoints(WORK.name)) < self._order.nodes:  # noqa: ASYNC110 (the registry tells nobody)
                await asyncio.sleep(LOOK_SECONDS)
        for _ in range(PINGS):
            await self._broker.ping()
            await asyncio.sleep(PING_SECONDS)

    async def run(self, began_at_seconds: float) -> Account:
        round_trips_seconds = self._round_trips_seconds()
        if self._oracle is not None:
            self._oracle.path_seconds = round_trips_seconds
        self._client.began_at_seconds = began_at_seconds
        for number, at_seconds in enumerate(trace(self._order)):
            pause_seconds = began_at_seconds + at_seconds - time.monotonic()
            if pause_seconds > 0:
                await asyncio.sleep(pause_seconds)
            self._begin(number, at_seconds, time.monotonic() - began_at_seconds)
        if self._running:
            await asyncio.wait(self._running, timeout=GRACE_SECONDS)
        return Account(calls=self._calls, round_trips_seconds=round_trips_seconds)

    def _round_trips_seconds(self) -> dict[str, float]:
        """Of each region, the mean of its nodes' quickest."""
        found: defaultdict[str, list[float]] = defaultdict(list)
        for endpoint in self._broker.registry.endpoints(WORK.name):
            seconds = self._broker.latency.minimum_seconds(endpoint.node)
            if seconds is not None:
                found[endpoint.region].append(seconds)
        return {region: fmean(each) for region, each in found.items()}

    def _begin(self, number: int, planned_seconds: float, now_seconds: float) -> None:
        late = now_seconds - planned_seconds > GRAIN_SECONDS
        call = Noted(made_at_seconds=planned_seconds if late else now_seconds)
        self._calls.append(call)
        task = asyncio.ensure_future(self._call(number, call))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _call(self, number: int, call: Noted) -> None:
        CURRENT.set(call)
        order = self._order
        try:
            answer = await self._broker.call(
                WORK, Asked(seed=order.seed, number=number, mean_seconds=order.work_seconds)
            )
        except MeshError as error:
            call.error = error.code
        else:
            call.node, call.work_seconds = answer.node.removeprefix(f"{TIER}-"), answer.work_seconds
        call.done_at_seconds = time.monotonic() - self._client.began_at_seconds


def trace(order: Order) -> Sequence[float]:
    """When calls are made: drawn whole before anything happens, so that no strategy changes it."""
    random, at_seconds, found = Random(order.seed), 0.0, []
    while (at_seconds := at_seconds + random.expovariate(order.calls_per_second)) < order.seconds:
        found.append(at_seconds)
    return found


def oracle_of(order: Order, now_seconds: Callable[[], float]) -> LoneOracle:
    """`now_seconds`: since the load began."""
    broken = order.broken

    def is_well(node: str) -> bool:
        return broken is None or node != f"{TIER}-{broken.node}" or now_seconds() < broken.at_seconds

    return LoneOracle(
        concurrency=order.concurrency, work_seconds=order.work_seconds, is_well=is_well, random=Random(order.seed)
    )


async def drive(order: Order, settings: LoadSettings) -> None:
    client = NotingClient(settings.nats_settings())
    oracle = oracle_of(order, lambda: time.monotonic() - client.began_at_seconds) if order.strategy == ORACLE else None
    broker = Broker(
        settings.broker_config(), client, strategy=(lambda place: oracle) if oracle else named(order.strategy)
    )
    async with broker:
        load = Load(order, broker, client, oracle)
        await load.wait_for_all()
        collect_less()
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        began = Began(at_seconds=time.monotonic())
        print(began.model_dump_json(), flush=True)
        account = await load.run(began.at_seconds)
        print(account.model_dump_json(), flush=True)
        await asyncio.to_thread(sys.stdin.read)


def main() -> None:
    uvloop.run(drive(Order.model_validate_json(sys.argv[1]), read_environment(LoadSettings, os.environ)))


if __name__ == "__main__":
    main()
