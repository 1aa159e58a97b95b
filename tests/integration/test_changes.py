"""A change made through one region is soon what every region answers, although every tier caches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from broker import Broker, BrokerConfig
from broker.nats.client import NatsClient
from lab.trial import Trial
from messier.replacements import replacement_of
from schema.courses import Saved

DATA = "/slugsurvival/data/fetch"
SETTLED_SECONDS = 10
PAUSE_SECONDS = 0.02


@pytest.fixture
async def everywhere(regions: Trial) -> AsyncIterator[list[httpx.AsyncClient]]:
    clients = [httpx.AsyncClient(base_url=url, timeout=30) for url in regions.public_urls]
    yield clients
    for client in clients:
        await client.aclose()


@pytest.fixture(params=["west", "east"])
async def writer(request: pytest.FixtureRequest, regions: Trial) -> AsyncIterator[Broker]:
    region = regions.region(request.param)
    config = BrokerConfig(region=region.name, node=f"loader.{region.name}.writer")
    async with Broker(config, NatsClient(regions.mesh_settings(region, "loader"))) as broker:
        await broker.wait_for("db-courses", deadline_seconds=SETTLED_SECONDS)
        yield broker


async def eventually(claim: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(SETTLED_SECONDS):
        while not await claim():  # noqa: ASYNC110 (another process answers, no event can tell)
            await asyncio.sleep(PAUSE_SECONDS)


async def replace(broker: Broker, key: str, content: dict[str, str]) -> Saved:
    replacement = replacement_of(key, content)
    saved: Saved = await broker.call(replacement.action, replacement.request)
    return saved


async def answers(clients: list[httpx.AsyncClient], key: str) -> list[object]:
    return [(await client.get(f"{DATA}/{key}")).json() for client in clients]


async def test_a_change_is_seen_in_every_region(everywhere: list[httpx.AsyncClient], writer: Broker) -> None:
    for name in ("First", "Second", "Third"):
        content = {"ZZ": f"{name} of {writer.region}"}
        await replace(writer, "ge", content)
        await eventually(lambda content=content: _all_equal(everywhere, "ge", content))  # type: ignore[misc]


async def _all_equal(clients: list[httpx.AsyncClient], key: str, content: object) -> bool:
    return all(answer == content for answer in await answers(clients, key))


async def test_the_timestamp_moves_with_the_change_and_not_without(
    everywhere: list[httpx.AsyncClient], writer: Broker
) -> None:
    content = {"YY": writer.region}
    first = await replace(writer, "ge", content)
    again = await replace(writer, "ge", content)
    assert (first.changed, again.changed) == (True, False)
    assert again.version == first.version


async def test_readers_of_one_region_never_see_half_a_change(
    everywhere: list[httpx.AsyncClient], writer: Broker
) -> None:
    whole = [{f"C{number}": f"{name} {number}" for number in range(50)} for name in ("old", "new")]
    await replace(writer, "ge", whole[0])
    await eventually(lambda: _all_equal(everywhere, "ge", whole[0]))

    async def read() -> None:
        for _ in range(50):
            assert all(answer in whole for answer in await answers(everywhere, "ge"))

    async def write() -> None:
        for turn in range(10):
            await replace(writer, "ge", whole[turn % 2])

    await asyncio.gather(read(), write())
