"""One computation for everybody who asks at the same time."""

import asyncio

import pytest

from broker.cache.single_flight import SingleFlight


class Work:
    """Counts its beginnings and ends when it is told to."""

    def __init__(self) -> None:
        self.begun = 0
        self.cancelled = 0
        self.outcome = asyncio.get_running_loop().create_future()

    async def __call__(self) -> str:
        self.begun += 1
        try:
            return str(await asyncio.shield(self.outcome))
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


async def begin(flights: SingleFlight[str], work: Work, callers: int) -> list[asyncio.Task[str]]:
    tasks = [asyncio.create_task(flights.run("key", work)) for _ in range(callers)]
    await turns()
    return tasks


async def turns(count: int = 5) -> None:
    """Let every task run until it waits."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_hundred_callers_share_one_computation() -> None:
    work = Work()
    callers = await begin(SingleFlight(), work, 100)
    work.outcome.set_result("answer")
    assert await asyncio.gather(*callers) == ["answer"] * 100
    assert work.begun == 1


async def test_different_keys_are_computed_apart() -> None:
    flights, one, other = SingleFlight[str](), Work(), Work()
    callers = [asyncio.create_task(flights.run("one", one)), asyncio.create_task(flights.run("other", other))]
    one.outcome.set_result("1")
    other.outcome.set_result("2")
    assert await asyncio.gather(*callers) == ["1", "2"]


async def test_failure_reaches_every_waiter_and_is_not_kept() -> None:
    flights, work = SingleFlight[str](), Work()
    callers = await begin(flights, work, 3)
    work.outcome.set_exception(ValueError("broken"))
    assert [str(error) for error in await asyncio.gather(*callers, return_exceptions=True)] == ["broken"] * 3

    again = Work()
    again.outcome.set_result("answer")
    assert await flights.run("key", again) == "answer"


async def test_cancelled_waiter_does_not_cancel_the_others() -> None:
    work = Work()
    first, second = await begin(SingleFlight(), work, 2)
    first.cancel()
    await turns()
    work.outcome.set_result("answer")
    assert await second == "answer"
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_work_that_nobody_waits_for_is_given_up() -> None:
    flights, work = SingleFlight[str](), Work()
    for caller in await begin(flights, work, 2):
        caller.cancel()
    await turns()
    assert work.cancelled == 1
    assert len(flights) == 0


async def test_caller_after_the_last_cancellation_begins_anew() -> None:
    flights, work, again = SingleFlight[str](), Work(), Work()
    (caller,) = await begin(flights, work, 1)
    caller.cancel()
    again.outcome.set_result("answer")
    await asyncio.wait([caller])
    assert await flights.run("key", again) == "answer"


async def test_forgotten_flight_serves_those_who_wait_and_nobody_else() -> None:
    flights, old, new = SingleFlight[str](), Work(), Work()
    (early,) = await begin(flights, old, 1)
    flights.forget("key")
    (late,) = await begin(flights, new, 1)
    old.outcome.set_result("old")
    new.outcome.set_result("new")
    assert (await early, await late) == ("old", "new")


async def test_nothing_is_left_behind() -> None:
    flights, work = SingleFlight[str](), Work()
    callers = await begin(flights, work, 3)
    work.outcome.set_result("answer")
    await asyncio.gather(*callers)
    await turns()
    assert len(flights) == 0
