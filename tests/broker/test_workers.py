from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar, NamedTuple

import pytest

from broker import Broker, BrokerConfig
from broker.nats.client import NatsClient
from broker.nats.settings import NatsSettings
from broker.settings import Address
from broker.workers import WorkerSettings, run_workers
from tests.contract.greetings import GREET, Greet
from tests.servers import NatsAddress, nats_server
from tests.waiting import eventually

pytestmark = pytest.mark.servers

REPOSITORY = Path(__file__).parents[2]
STARTED_SECONDS = 30.0
"""Two interpreters start, on a machine that may be busy with other tests."""

SERVING = """
import sys
from broker import Broker
from broker.nats.client import NatsClient
from broker.process import run
from broker.workers import WorkerSettings, run_workers
from tests.contract.greetings import Greetings

class Settings(WorkerSettings):
    tier = "greeter"

settings = Settings(region="west", nats_urls=(sys.argv[1],), workers=2)

def work(number):
    own = settings.of_worker(number)
    config = own.broker_config()

    def build(fail):
        broker = Broker(config, NatsClient(own.nats_settings()))
        broker.add(Greetings(config.node))
        return [broker]

    return run(build, log_level="warning", node=config.node)

sys.exit(run_workers(settings.workers, work))
"""


class Settings(WorkerSettings):
    tier: ClassVar[str] = "greeter"


def test_names_and_addresses_follow_from_the_first_workers() -> None:
    settings = Settings(region="west", metrics_address=Address("127.0.0.1", 9091), workers=3)
    workers = [settings.of_worker(number) for number in (1, 2, 3)]
    assert [each.broker_config().node for each in workers] == ["greeter-west-1", "greeter-west-2", "greeter-west-3"]
    assert [each.metrics_address for each in workers] == [("127.0.0.1", port) for port in (9091, 9101, 9111)]
    named = Settings(region="west", node="doorman")
    assert named.of_worker(1).broker_config().node == "doorman"
    assert named.of_worker(2).broker_config().node == "doorman-2"


def test_one_worker_is_this_process() -> None:
    assert run_workers(1, lambda number: 10 + number) == 11


class Town(NamedTuple):
    url: str
    client: Broker

    def serving(self) -> int:
        return len(self.client.registry.endpoints(GREET.name))

    async def greeters(self) -> set[str]:
        return {(await self.client.call(GREET, Greet(name="Ada"))).node for _ in range(50)}


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    address = NatsAddress()
    async with nats_server(tmp_path, address):
        transport = NatsClient(NatsSettings((address.url,), settle_seconds=0.05))
        async with Broker(BrokerConfig(region="west", node="client"), transport) as client:
            yield Town(address.url, client)


@asynccontextmanager
async def two_workers(town: Town) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVING, town.url, cwd=REPOSITORY, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        await eventually(lambda: town.serving() == 2, STARTED_SECONDS)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_the_mesh_spreads_calls_over_workers_and_all_drain_when_told(town: Town) -> None:
    async with two_workers(town) as process:
        assert await town.greeters() == {"greeter-west-1", "greeter-west-2"}
        process.terminate()
        assert await asyncio.wait_for(process.wait(), STARTED_SECONDS) == 0
    await eventually(lambda: town.serving() == 0)


async def test_when_a_worker_ends_by_itself_the_others_end_too(town: Town) -> None:
    async with two_workers(town) as process:
        one, _ = _children(process.pid)
        os.kill(one, signal.SIGKILL)
        assert await asyncio.wait_for(process.wait(), STARTED_SECONDS) == 1


async def test_workers_do_not_outlive_the_process_that_started_them(town: Town) -> None:
    async with two_workers(town) as process:
        children = _children(process.pid)
        process.kill()
        await process.wait()
        await eventually(lambda: not any(_runs(child) for child in children), STARTED_SECONDS)


def _children(process: int) -> list[int]:
    listed = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(child) for child in listed.split()]


def _runs(process: int) -> bool:
    """A process that nobody has waited for yet does not run any more."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
