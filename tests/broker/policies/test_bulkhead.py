from __future__ import annotations

import asyncio

import pytest

from broker.policies.bulkhead import Admission
from broker.refusals import NodeFull
from broker.testing import settled


class Work:
    """Holds a place until it is let go."""

    def __init__(self, admission: Admission) -> None:
        self._done = asyncio.Event()
        self.began = False
        self.task = asyncio.ensure_future(self._run(admission))

    async def _run(self, admission: Admission) -> None:
        async with admission:
            self.began = True
            await self._done.wait()

    async def finish(self) -> None:
        self._done.set()
        await self.task


async def test_lets_so_many_in_makes_so_many_wait_and_refuses_the_rest() -> None:
    admission = Admission(2, 1)
    works = [Work(admission) for _ in range(3)]
    await settled()
    assert [work.began for work in works] == [True, True, False]
    assert (admission.running, admission.waiting) == (2, 1)
    with pytest.raises(NodeFull):
        await Work(admission).task
    await works[0].finish()
    await settled()
    assert works[2].began
    await asyncio.gather(works[1].finish(), works[2].finish())
    assert (admission.running, admission.waiting) == (0, 0)


async def test_keeps_no_place_for_one_that_stopped_waiting() -> None:
    admission = Admission(1, 2)
    first, second, third = (Work(admission) for _ in range(3))
    await settled()
    second.task.cancel()
    await settled()
    await first.finish()
    await settled()
    assert third.began
    await third.finish()
    assert (admission.running, admission.waiting) == (0, 0)


async def test_hands_on_a_place_whose_owner_was_cancelled_at_that_moment() -> None:
    admission = Admission(1, 2)
    first, second, third = (Work(admission) for _ in range(3))
    await settled()
    first._done.set()
    await first.task
    second.task.cancel()
    await settled()
    assert third.began
    await third.finish()
    assert admission.running == 0


async def test_forgets_one_that_stopped_waiting_before_it_could_say_so() -> None:
    admission = Admission(1, 2)
    first, second = (Work(admission) for _ in range(2))
    await settled()
    second.task.cancel()
    first._done.set()
    await asyncio.wait({first.task, second.task})
    assert second.task.cancelled()
    assert (admission.running, admission.waiting) == (0, 0)
