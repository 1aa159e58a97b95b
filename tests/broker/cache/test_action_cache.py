from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from broker.cache.action_cache import KEY_LENGTH_MAX, ActionCache, Caching
from broker.cache.caching import CacheMetrics
from broker.cache.stores import MemoryStore, Store, StoreFailed
from broker.testing import FakeClock, settled
from schema.action import Action
from schema.errors import Unavailable
from schema.stream import Stream
from tests.contract.greetings import GREET, RECORD, Greet

ADA = Greet(name="Ada")


class Broken(MemoryStore):
    """Fails while it is told to; keeps what it had."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.broken = False

    def _check(self) -> None:
        if self.broken:
            raise StoreFailed("unreachable")

    async def get(self, key: str) -> bytes | None:
        self._check()
        return await super().get(key)

    async def set(self, key: str, value: bytes, ttl_seconds: float) -> None:
        self._check()
        await super().set(key, value, ttl_seconds)

    async def drop(self, key: str) -> None:
        self._check()
        await super().drop(key)

    async def drop_all(self, prefix: str) -> None:
        self._check()
        await super().drop_all(prefix)


class Fixture:
    def __init__(self, store: Store | None = None, clock: FakeClock | None = None, stale_seconds: float = 0) -> None:
        self.clock = clock or FakeClock()
        self.registry = CollectorRegistry()
        self.behind: list[asyncio.Task[None]] = []
        self.computed = 0
        self.hold = asyncio.Event()
        self.hold.set()
        self.error: Exception | None = None
        self.cache = ActionCache(
            GREET.name,
            Caching(ttl_seconds=60, key=("name",), stale_seconds=stale_seconds),
            store=store or MemoryStore(self.clock),
            metrics=CacheMetrics(self.registry),
            clock=self.clock,
            spawn=self._spawn,
        )

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self.behind.append(asyncio.ensure_future(work))

    async def _compute(self) -> bytes:
        self.computed += 1
        answer = str(self.computed).encode()
        await self.hold.wait()
        if self.error is not None:
            raise self.error
        return answer

    async def ask(self, request: Greet = ADA) -> bytes:
        return await self.cache.answer(request, self._compute)

    def counted(self, name: str) -> float:
        return self.registry.get_sample_value(f"localgroup_cache_{name}_total", {"cache": GREET.name}) or 0.0


async def test_computes_once_while_the_answer_is_fresh() -> None:
    fixture = Fixture()
    assert [await fixture.ask(), await fixture.ask(Greet(name="Ada", times=3))] == [b"1", b"1"]
    await fixture.clock.advance(60)
    assert await fixture.ask() == b"2"
    assert (fixture.counted("hits"), fixture.counted("misses")) == (1, 2)


async def test_an_old_answer_is_given_while_one_new_one_is_computed() -> None:
    fixture = Fixture(stale_seconds=30)
    await fixture.ask()
    await fixture.clock.advance(60)
    fixture.hold.clear()
    assert [await fixture.ask() for _ in range(3)] == [b"1"] * 3
    await settled()
    assert fixture.computed == 2
    fixture.hold.set()
    await asyncio.gather(*fixture.behind)
    assert await fixture.ask() == b"2"
    assert fixture.counted("stale") == 3


async def test_an_old_answer_stays_good_for_its_time_when_the_new_one_fails() -> None:
    fixture = Fixture(stale_seconds=30)
    await fixture.ask()
    await fixture.clock.advance(60)
    fixture.error = Unavailable("not now")
    assert await fixture.ask() == b"1"
    await asyncio.gather(*fixture.behind)
    assert await fixture.ask() == b"1"
    await fixture.clock.advance(30)
    with pytest.raises(Unavailable):
        await fixture.ask()
    await asyncio.gather(*fixture.behind, return_exceptions=True)


@pytest.mark.parametrize("everything", [False, True])
async def test_what_is_forgotten_while_it_is_computed_is_not_kept(*, everything: bool) -> None:
    fixture = Fixture()
    fixture.hold.clear()
    early = asyncio.ensure_future(fixture.ask())
    await settled()
    await (fixture.cache.forget_all() if everything else fixture.cache.forget(ADA))
    late = asyncio.ensure_future(fixture.ask())
    await settled()
    fixture.hold.set()
    assert (await early, await late, await fixture.ask()) == (b"1", b"2", b"2")


async def test_a_store_that_fails_makes_calls_slower_and_not_wrong() -> None:
    clock = FakeClock()
    store = Broken(clock)
    fixture = Fixture(store, clock)
    store.broken = True
    assert [await fixture.ask(), await fixture.ask()] == [b"1", b"2"]
    store.broken = False
    assert [await fixture.ask(), await fixture.ask()] == [b"3", b"3"]
    assert fixture.counted("failures") == 4


@pytest.mark.parametrize("everything", [False, True])
async def test_what_could_not_be_forgotten_is_not_believed_any_more(*, everything: bool) -> None:
    clock = FakeClock()
    store = Broken(clock)
    fixture = Fixture(store, clock)
    await fixture.ask()
    await clock.advance(1)
    store.broken = True
    await (fixture.cache.forget_all() if everything else fixture.cache.forget(ADA))
    store.broken = False
    await clock.advance(1)
    assert [await fixture.ask(), await fixture.ask()] == [b"2", b"2"]


def test_a_long_key_is_replaced_by_its_digest() -> None:
    fixture = Fixture()
    fixture.cache._caching = Caching(60, key=lambda request: request.name * 100)
    short, long = fixture.cache.key(Greet(name="A")), fixture.cache.key(Greet(name="Ada"))
    assert len(short) == len(GREET.name) + 1 + 100
    assert len(long) < KEY_LENGTH_MAX + len(GREET.name)


def test_caching_must_fit_its_action() -> None:
    with pytest.raises(TypeError, match="not safe"):
        Caching(60).check(RECORD)
    with pytest.raises(TypeError, match="nickname"):
        Caching(60, key=("name", "nickname")).check(GREET)
    with pytest.raises(TypeError, match="stream"):
        Caching(60).check(Action("x.y", Greet, Stream[bytes], safe=True))
