from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.policies.idempotency import KEY_HEADER, KEY_LENGTH_MAX, MemoryKeys, digest_of, key_of, key_within
from broker.testing import FakeClock, settled
from schema.errors import Conflict, Invalid, Unavailable
from tests.contract.greetings import Greet


class Work:
    def __init__(self) -> None:
        self.done = 0
        self.hold = asyncio.Event()
        self.hold.set()

    async def __call__(self) -> bytes:
        await self.hold.wait()
        self.done += 1
        return str(self.done).encode()


async def test_works_once_for_each_key_and_action() -> None:
    keys, work = MemoryKeys(FakeClock()), Work()
    assert [await keys.once("a.b", "k", "d", work) for _ in range(3)] == [b"1"] * 3
    assert await keys.once("a.b", "other", "d", work) == b"2"
    assert await keys.once("a.c", "k", "d", work) == b"3"


async def test_whoever_comes_meanwhile_gets_the_same_answer() -> None:
    keys, work = MemoryKeys(FakeClock()), Work()
    work.hold.clear()
    both = [asyncio.ensure_future(keys.once("a.b", "k", "d", work)) for _ in range(2)]
    await settled()
    with pytest.raises(Conflict):
        await keys.once("a.b", "k", "another request", work)
    work.hold.set()
    assert await asyncio.gather(*both) == [b"1", b"1"]


async def test_the_same_key_for_another_request_is_a_conflict() -> None:
    keys, work = MemoryKeys(FakeClock()), Work()
    await keys.once("a.b", "k", "d", work)
    with pytest.raises(Conflict):
        await keys.once("a.b", "k", "e", work)


async def test_a_failure_is_not_kept() -> None:
    keys, work = MemoryKeys(FakeClock()), Work()

    async def fail() -> bytes:
        raise Unavailable("not now")

    with pytest.raises(Unavailable):
        await keys.once("a.b", "k", "d", fail)
    assert await keys.once("a.b", "k", "d", work) == b"1"


async def test_keys_are_forgotten_after_their_time_and_beyond_their_number() -> None:
    clock, work = FakeClock(), Work()
    keys = MemoryKeys(clock, keep_seconds=10, keys_max=3)
    for number in range(5):
        await keys.once("a.b", str(number), "d", work)
    assert len(keys) == 3
    await clock.advance(10)
    await keys.once("a.b", "one more", "d", work)
    assert len(keys) == 1


@pytest.mark.parametrize("key", ["", "x" * (KEY_LENGTH_MAX + 1), 7, ["k"]])
def test_what_cannot_be_a_key_is_refused(key: object) -> None:
    with pytest.raises(Invalid, match=KEY_HEADER):
        key_of({KEY_HEADER: key})


def test_equal_requests_have_equal_digests_however_they_are_written() -> None:
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
    assert digest_of(Greet(name="Ada")) == digest_of(Greet(name="Ada", times=1))
    assert digest_of(Greet(name="Ada")) != digest_of(Greet(name="Bob"))


@given(st.lists(st.tuples(st.text(), st.text(), st.text(), st.integers(0, 9)), unique=True, min_size=2, max_size=20))
def test_keys_of_different_inner_calls_differ(calls: list[tuple[str, str, str, int]]) -> None:
    keys = [key_within(key, action, {"text": request}, number) for key, action, request, number in calls]
    assert len(set(keys)) == len(keys)
    assert keys == [key_within(key, action, {"text": request}, number) for key, action, request, number in calls]
