"""What a cache promises: in bounds, computed once, never older than the last invalidation."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from broker.cache.bounded_memory import COMPRESSION_THRESHOLD_BYTES, BoundedMemoryCache, CompressingSerializer
from broker.cache.caching import Cache, CacheMetrics, Computed
from broker.testing import FakeClock


class Fixture:
    def __init__(self, capacity_bytes: int = 10_000) -> None:
        self.clock = FakeClock()
        self.registry = CollectorRegistry()
        metrics = CacheMetrics(self.registry)
        self.cache = Cache("test", capacity_bytes=capacity_bytes, ttl_seconds=60, metrics=metrics, clock=self.clock)
        self.computed = 0

    def counted(self, name: str) -> float | None:
        return self.registry.get_sample_value(f"localgroup_cache_{name}", {"cache": "test"})

    def computing(self, value: bytes, *, storable: bool = True) -> Callable[[], Awaitable[Computed]]:
        async def compute() -> Computed:
            self.computed += 1
            return Computed(value, storable)

        return compute

    async def get(self, key: str, value: bytes = b"value", *, storable: bool = True) -> bytes:
        return (await self.cache.get_or_compute(key, self.computing(value, storable=storable))).value


class Gate:
    """A computation that waits until it is let through."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.opened = asyncio.Event()

    async def compute(self) -> Computed:
        self.entered.set()
        await self.opened.wait()
        return Computed(b"old")


async def test_answer_is_computed_once_while_it_is_fresh() -> None:
    fixture = Fixture()
    assert [await fixture.get("key") for _ in range(3)] == [b"value"] * 3
    assert fixture.computed == 1


async def test_answer_is_computed_again_when_its_time_is_over() -> None:
    fixture = Fixture()
    await fixture.get("key")
    await fixture.clock.advance(60)
    await fixture.get("key")
    assert fixture.computed == 2


async def test_an_answer_may_have_a_time_of_its_own() -> None:
    fixture = Fixture()
    await fixture.cache.get_or_compute("key", fixture.computing(b"1"), ttl_seconds=5)
    await fixture.clock.advance(5)
    assert await fixture.get("key", b"2") == b"2"


async def test_cold_key_under_load_is_computed_once() -> None:
    fixture = Fixture()
    assert await asyncio.gather(*[fixture.get("key") for _ in range(100)]) == [b"value"] * 100
    assert fixture.computed == 1
    assert fixture.counted("computations_total") == 1


async def test_failure_is_not_kept() -> None:
    fixture = Fixture()

    async def fail() -> Computed:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await fixture.cache.get_or_compute("key", fail)
    assert await fixture.get("key") == b"value"


async def test_what_is_not_storable_is_answered_and_not_kept() -> None:
    fixture = Fixture()
    answer = await fixture.cache.get_or_compute("key", fixture.computing(b"stale", storable=False))
    assert answer == Computed(b"stale", storable=False)
    assert await fixture.get("key", b"fresh") == b"fresh"


async def test_invalidated_key_is_computed_again() -> None:
    fixture = Fixture()
    await fixture.get("key", b"old")
    await fixture.get("other", b"kept")
    fixture.cache.invalidate("key")
    assert await fixture.get("key", b"new") == b"new"
    assert await fixture.get("other", b"lost") == b"kept"


@pytest.mark.parametrize("drop", [lambda cache: cache.invalidate("key"), Cache.clear], ids=["invalidate", "clear"])
async def test_invalidation_during_a_computation_keeps_its_answer_out(drop: Callable[[Cache], None]) -> None:
    fixture, gate = Fixture(), Gate()
    early = asyncio.create_task(fixture.cache.get_or_compute("key", gate.compute))
    await gate.entered.wait()
    drop(fixture.cache)
    gate.opened.set()
    assert (await early).value == b"old"
    assert await fixture.get("key", b"new") == b"new"


async def test_caller_after_an_invalidation_does_not_join_an_older_computation() -> None:
    fixture, gate = Fixture(), Gate()
    early = asyncio.create_task(fixture.cache.get_or_compute("key", gate.compute))
    await gate.entered.wait()
    fixture.cache.invalidate("key")
    assert await fixture.get("key", b"new") == b"new"
    gate.opened.set()
    await early
    assert await fixture.get("key", b"unused") == b"new"


async def test_clear_drops_everything() -> None:
    fixture = Fixture()
    await fixture.get("key", b"old")
    fixture.cache.clear()
    assert await fixture.get("key", b"new") == b"new"


async def test_hits_misses_and_size_are_counted() -> None:
    fixture = Fixture()
    for _ in range(3):
        await fixture.get("key")
    assert fixture.counted("hits_total") == 2
    assert fixture.counted("misses_total") == 1
    assert (fixture.counted("bytes") or 0) > len("key") + len(b"value")


async def test_least_recently_used_goes_first() -> None:
    fixture = Fixture(capacity_bytes=2_000)
    for key in ("one", "two", "three", "four"):
        await fixture.get(key, bytes(200))
    await fixture.get("one")
    await fixture.get("five", bytes(200))
    await fixture.get("six", bytes(200))
    assert await fixture.get("one", b"lost") == bytes(200)
    assert await fixture.get("two", b"lost") == b"lost"
    assert (fixture.counted("evictions_total") or 0) > 0


async def test_answer_larger_than_the_cache_is_given_and_evicts_nothing() -> None:
    fixture = Fixture(capacity_bytes=1_000)
    await fixture.get("small")
    await fixture.cache.get_or_compute("large", fixture.computing(bytes(range(256)) * 7))
    assert await fixture.get("small", b"lost") == b"value"


@given(st.binary(max_size=2 * COMPRESSION_THRESHOLD_BYTES))
def test_serializer_gives_back_what_it_took(value: bytes) -> None:
    serializer = CompressingSerializer()
    assert serializer.loads(serializer.dumps(value)) == value


def test_large_value_is_kept_compressed() -> None:
    value = b"the same again and again " * 1_000
    assert len(CompressingSerializer().dumps(value)) < len(value) / 10


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcdef"), st.binary(max_size=900), st.sampled_from(["set", "get", "delete", "later"])
        ),
        max_size=40,
    )
)
async def test_size_is_what_is_held_and_never_above_the_bound(steps: list[tuple[str, bytes, str]]) -> None:
    clock = FakeClock()
    cache = BoundedMemoryCache(capacity_bytes=3_000, clock=clock)
    for key, value, what in steps:
        match what:
            case "set":
                await cache.set(key, value, ttl=10)
            case "get":
                await cache.get(key)
            case "delete":
                await cache.delete(key)
            case "later":
                await clock.advance(4)
        assert 0 <= cache.size_bytes <= 3_000
    await cache.clear()
    assert (len(cache), cache.size_bytes) == (0, 0)


async def test_memory_cache_answers_several_keys_at_once() -> None:
    cache = BoundedMemoryCache(capacity_bytes=3_000)
    await cache.multi_set([("a", b"1"), ("b", b"2")])
    assert await cache.multi_get(["a", "b", "c"]) == [b"1", b"2", None]
    assert await cache.exists("a")


async def test_memory_cache_refuses_to_count() -> None:
    with pytest.raises(TypeError):
        await BoundedMemoryCache(capacity_bytes=3_000).increment("a")
