"""500 requests a second while hubs and nodes restart, die and freeze: none fails, and none takes more than a second.

Real hubs as every laboratory has them, a node of its own process in each region, and a caller in each, which prefers
the node of its own region as an edge does. Each test prints what it counted.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import pytest

from broker import Broker, BrokerConfig
from broker.nats.client import NatsClient
from lab.regions import Region
from lab.trial import Trial
from schema.errors import MeshError
from tests.integration.echo_node import SAY, Say
from tests.waiting import eventually

REQUESTS_PER_SECOND = 500
TURN_SECONDS = 0.002
CALM_REQUESTS = 500
"""Enough to know what is usual."""
AFTERWARDS_REQUESTS = 1_000
DETOUR_SECONDS_MAX = 1.0
DETECTION_SECONDS_MAX = 12.0
JOINED_SECONDS = 20.0


class Node:
    """A process that serves `courses.say`."""

    def __init__(self, hubs: Trial, region: Region) -> None:
        self.name = f"messier-{region.name}-1"
        self._environment = os.environ | hubs.mesh_environment(region, "messier") | {"LOCALGROUP_LOG_LEVEL": "error"}
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        command = (sys.executable, "-m", "tests.integration.echo_node")
        self._process = await asyncio.create_subprocess_exec(*command, env=self._environment)

    async def stop(self) -> None:
        """In order: it drains."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()


@dataclass
class Load:
    callers: list[Broker]
    outcomes: Counter[str] = field(default_factory=Counter)
    slowest_seconds: float = 0.0

    async def ask(self, caller: Broker) -> None:
        began_at_seconds, outcome = time.monotonic(), "ok"
        try:
            await caller.call(SAY, Say(text="hello"))
        except MeshError as error:
            outcome = f"{caller.node_id}: {type(error).__name__}: {error.message}"
        self.outcomes[outcome] += 1
        self.slowest_seconds = max(self.slowest_seconds, time.monotonic() - began_at_seconds)

    async def run(self, asked: set[asyncio.Task[None]]) -> None:
        """At an even rate, whether or not answers come."""
        began_at_seconds, number = time.monotonic(), 0
        while True:
            while number < (time.monotonic() - began_at_seconds) * REQUESTS_PER_SECOND:
                task = asyncio.create_task(self.ask(self.callers[number % len(self.callers)]))
                asked.add(task)
                task.add_done_callback(asked.discard)
                number += 1
            await asyncio.sleep(TURN_SECONDS)

    async def goes_on(self, requests: int) -> None:
        """Returns when so many more were answered or failed."""
        enough = self.outcomes.total() + requests
        await eventually(lambda: self.outcomes.total() >= enough, deadline_seconds=60)

    @property
    def failed(self) -> dict[str, int]:
        return {outcome: count for outcome, count in self.outcomes.items() if outcome != "ok"}


@dataclass
class Mesh:
    hubs: Trial
    nodes: list[Node]
    callers: list[Broker]

    @asynccontextmanager
    async def under_load(self, what: str) -> AsyncIterator[Load]:
        asked: set[asyncio.Task[None]] = set()
        load = Load(self.callers)
        running = asyncio.create_task(load.run(asked))
        try:
            await load.goes_on(CALM_REQUESTS)
            yield load
            await load.goes_on(AFTERWARDS_REQUESTS)
        finally:
            running.cancel()
            await asyncio.gather(running, *asked, return_exceptions=True)
            print(f"{what}: {load.outcomes.total()} requests, slowest {load.slowest_seconds:.3f} s, {load.failed=}")


@pytest.fixture
async def mesh(hubs: Trial) -> AsyncIterator[Mesh]:
    nodes = [Node(hubs, region) for region in hubs.regions]
    callers = [caller(hubs, region) for region in hubs.regions]
    try:
        await asyncio.gather(*(node.start() for node in nodes))
        await asyncio.gather(*(each.start() for each in callers))
        await eventually(lambda: all(serving(each) == len(nodes) for each in callers), JOINED_SECONDS)
        yield Mesh(hubs, nodes, callers)
    finally:
        await asyncio.gather(*(each.stop() for each in callers))
        await asyncio.gather(*(node.stop() for node in nodes))


def caller(hubs: Trial, region: Region) -> Broker:
    config = BrokerConfig(region=region.name, node=f"andromeda-{region.name}-1")
    return Broker(config, NatsClient(hubs.mesh_settings(region, "andromeda")))


def serving(broker: Broker) -> int:
    return len(broker.registry.endpoints(SAY.name))


@contextmanager
def frozen(hubs: Trial, hub: str) -> Iterator[None]:
    """It closes nothing and answers nothing."""
    process_id = hubs.process_id(hub)
    os.kill(process_id, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process_id, signal.SIGCONT)


async def test_no_request_fails_while_every_node_and_every_hub_restarts_in_turn(mesh: Mesh) -> None:
    async with mesh.under_load("rolling restart") as load:
        for node in mesh.nodes:
            await node.stop()
            await node.start()
            await eventually(lambda: all(serving(each) == len(mesh.nodes) for each in mesh.callers), JOINED_SECONDS)
        for hub in mesh.hubs.programs("nats"):
            await asyncio.to_thread(mesh.hubs.restart, hub)
            await load.goes_on(CALM_REQUESTS)
    assert not load.failed
    assert load.slowest_seconds < DETOUR_SECONDS_MAX


async def test_a_killed_hub_costs_its_region_no_request(mesh: Mesh) -> None:
    async with mesh.under_load("killed hub") as load:
        mesh.hubs.kill("nats-west-1")
        await load.goes_on(AFTERWARDS_REQUESTS)
    assert not load.failed
    assert load.slowest_seconds < DETOUR_SECONDS_MAX


async def test_a_frozen_hub_costs_its_region_no_request(mesh: Mesh) -> None:
    async with mesh.under_load("frozen hub") as load:
        with frozen(mesh.hubs, "nats-west-1"):
            await load.goes_on(AFTERWARDS_REQUESTS)
    assert not load.failed
    assert load.slowest_seconds < DETOUR_SECONDS_MAX


async def test_a_node_that_calls_nobody_leaves_a_frozen_hub_too(mesh: Mesh) -> None:
    """By its pings alone."""
    far, quiet = mesh.callers[-1], mesh.nodes[0].name
    assert await answers(far, quiet)
    began_at_seconds = time.monotonic()
    with frozen(mesh.hubs, "nats-west-1"):
        while not await answers(far, quiet):
            assert time.monotonic() - began_at_seconds < DETECTION_SECONDS_MAX
        print(f"{quiet} is reached by another hub after {time.monotonic() - began_at_seconds:.1f} s")


async def answers(broker: Broker, node: str) -> bool:
    try:
        await broker.call(SAY, Say(text="hello"), node=node, deadline_seconds=DETOUR_SECONDS_MAX / 2)
    except MeshError:
        await asyncio.sleep(TURN_SECONDS)
        return False
    return True
