from __future__ import annotations

import asyncio
from random import Random

import pytest

from broker.periodic import every
from broker.refusals import NotSent
from broker.tasks import Tasks
from broker.testing import FakeClock


async def test_goes_on_after_a_round_that_failed(caplog: pytest.LogCaptureFixture) -> None:
    clock, rounds = FakeClock(), list[int]()

    async def step() -> None:
        rounds.append(len(rounds))
        if len(rounds) == 1:
            raise NotSent("no connection")
        if len(rounds) == 2:
            raise ZeroDivisionError

    task = asyncio.ensure_future(every(clock, 10, Random(1), step))
    await clock.advance(35)
    assert len(rounds) == 3
    assert "ZeroDivisionError" in caplog.text
    assert "no connection" not in caplog.text
    task.cancel()


async def test_waits_for_work_and_gives_up_in_time() -> None:
    clock, tasks, release = FakeClock(), Tasks(), asyncio.Event()

    async def work() -> None:
        await release.wait()

    tasks.spawn(work())
    finishing = asyncio.ensure_future(tasks.finish(clock, 10))
    await clock.advance(10)
    assert await finishing is False
    release.set()
    assert await tasks.finish(clock, 10) is True


async def test_logs_the_defect_of_a_task_that_nobody_awaits(caplog: pytest.LogCaptureFixture) -> None:
    tasks = Tasks()

    async def fail() -> None:
        raise ZeroDivisionError

    async def unsent() -> None:
        raise NotSent("no connection")

    tasks.spawn(fail())
    tasks.spawn(unsent())
    assert await tasks.finish(FakeClock(), 10)
    assert "ZeroDivisionError" in caplog.text
    assert "no connection" not in caplog.text
