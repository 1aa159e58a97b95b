from __future__ import annotations

import asyncio
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.policies.cut_off import CutOff
from broker.policies.deadline import Deadline
from broker.policies.timeouts import SWEEP_SLOTS_MIN, Timeouts
from broker.testing import FakeClock, settled
from schema.errors import TimedOut


class Noted:
    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.expired_at: list[float] = []

    def expire(self) -> None:
        self.expired_at.append(self._clock.now())


@given(st.lists(st.floats(0.0, 20.0), max_size=50))
async def test_each_expires_once_and_within_two_milliseconds(delays: list[float]) -> None:
    clock = FakeClock()
    timeouts, start = Timeouts(clock), clock.now()
    noted = [Noted(clock) for _ in delays]
    for each, delay in zip(noted, delays, strict=True):
        timeouts.add(start + delay, each)
    await clock.advance(21.0)
    for each, delay in zip(noted, delays, strict=True):
        assert len(each.expired_at) == 1
        assert start + delay - 0.001 <= each.expired_at[0] <= start + delay + 0.002
    assert len(timeouts) == 0


async def test_what_was_taken_back_does_not_expire() -> None:
    clock = FakeClock()
    timeouts = Timeouts(clock)
    kept, taken_back = Noted(clock), Noted(clock)
    timeouts.add(clock.now() + 1, kept)
    timeouts.add(clock.now() + 1, taken_back).discard(taken_back)
    await clock.advance(2)
    assert (len(kept.expired_at), taken_back.expired_at) == (1, [])


async def test_one_that_expires_may_take_another_back_and_add_a_third() -> None:
    clock = FakeClock()
    timeouts, random = Timeouts(clock), Random(1)
    third = Noted(clock)

    class Meddling:
        def expire(self) -> None:
            for other, slot in slots.items():
                slot.discard(other)
            timeouts.add(clock.now() + random.random(), third)

    others = [Meddling(), Meddling()]
    slots = {each: timeouts.add(clock.now() + 1, each) for each in others}
    await clock.advance(3)
    assert len(third.expired_at) == 1


async def test_memory_is_bounded_by_what_may_still_expire() -> None:
    clock = FakeClock()
    timeouts, start = Timeouts(clock), clock.now()
    for number in range(3 * SWEEP_SLOTS_MIN):
        noted = Noted(clock)
        timeouts.add(start + 1 + number / 1000, noted).discard(noted)
        assert len(timeouts) <= SWEEP_SLOTS_MIN


async def test_work_is_cut_off_at_its_deadline() -> None:
    clock = FakeClock()
    timeouts = Timeouts(clock)

    async def work() -> None:
        with CutOff(timeouts, Deadline.after(2.0, clock), "work"):
            await asyncio.Event().wait()

    task = asyncio.ensure_future(work())
    await clock.advance(1.9)
    assert not task.done()
    await clock.advance(0.2)
    with pytest.raises(TimedOut, match="work"):
        await task
    assert task.cancelling() == 0


async def test_a_cancellation_by_somebody_else_stays_one() -> None:
    clock = FakeClock()
    timeouts = Timeouts(clock)

    async def work() -> None:
        with CutOff(timeouts, Deadline.after(2.0, clock), "work"):
            await asyncio.Event().wait()

    task = asyncio.ensure_future(work())
    await settled()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_outer_of_two_deadlines_cuts_off_both() -> None:
    clock = FakeClock()
    timeouts = Timeouts(clock)
    inner_caught: list[BaseException] = []

    async def work() -> None:
        with CutOff(timeouts, Deadline.after(1.0, clock), "outer"):
            try:
                with CutOff(timeouts, Deadline.after(1.0, clock), "inner"):
                    await asyncio.Event().wait()
            except BaseException as error:
                inner_caught.append(error)
                raise

    task = asyncio.ensure_future(work())
    await clock.advance(1.1)
    with pytest.raises(TimedOut):
        await task
    assert len(inner_caught) == 1
    assert task.cancelling() == 0


async def test_work_that_is_done_in_time_is_left_alone() -> None:
    clock = FakeClock()
    timeouts = Timeouts(clock)
    with CutOff(timeouts, Deadline.after(1.0, clock), "work"):
        await settled()
    await clock.advance(2.0)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
