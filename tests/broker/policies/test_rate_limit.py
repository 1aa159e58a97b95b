from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.context import Context
from broker.policies.deadline import Deadline
from broker.policies.rate_limit import CALLERS_MAX, Limiter, RateLimit
from broker.policies.retry import may_repeat
from broker.refusals import RateLimited, is_refusal
from broker.testing import FakeClock

NOWHERE: Any = None


def called_by(caller: str | None, clock: FakeClock) -> Context:
    return Context(
        NOWHERE,
        id="1",
        request_id="1",
        service="x",
        caller=caller,
        level=1,
        meta={"user": caller},
        deadline=Deadline.after(1, clock),
    )


def let_through(limiter: Limiter, context: Context) -> bool:
    try:
        limiter.admit(context)
    except RateLimited:
        return False
    return True


async def test_lets_a_burst_through_and_then_a_steady_rate() -> None:
    clock = FakeClock()
    limiter, context = Limiter(RateLimit(per_second=2.0, burst=3), clock), called_by("a", clock)
    assert [let_through(limiter, context) for _ in range(4)] == [True, True, True, False]
    await clock.advance(1.0)
    assert [let_through(limiter, context) for _ in range(3)] == [True, True, False]


def test_each_caller_has_a_bucket_of_its_own() -> None:
    clock = FakeClock()
    limiter = Limiter(RateLimit(per_second=1.0), clock)
    assert let_through(limiter, called_by("a", clock))
    assert not let_through(limiter, called_by("a", clock))
    assert let_through(limiter, called_by("b", clock))
    assert let_through(limiter, called_by(None, clock))


def test_who_the_caller_is_may_be_found_in_the_context() -> None:
    clock = FakeClock()
    limiter = Limiter(RateLimit(per_second=1.0, by=lambda context: "everybody"), clock)
    assert let_through(limiter, called_by("a", clock))
    assert not let_through(limiter, called_by("b", clock))


def test_remembers_only_so_many_callers() -> None:
    clock = FakeClock()
    limiter = Limiter(RateLimit(per_second=1.0), clock)
    for number in range(CALLERS_MAX + 10):
        limiter.admit(called_by(str(number), clock))
    assert len(limiter) == CALLERS_MAX


@given(
    st.floats(0.5, 50.0),
    st.integers(1, 20),
    st.lists(st.floats(0.0, 2.0), min_size=1, max_size=60),
)
async def test_never_lets_more_through_than_burst_and_rate_allow(
    per_second: float, burst: int, pauses: list[float]
) -> None:
    clock = FakeClock()
    limiter, context = Limiter(RateLimit(per_second, burst), clock), called_by("a", clock)
    passed_at = []
    for pause in pauses:
        await clock.advance(pause)
        if let_through(limiter, context):
            passed_at.append(clock.now())
    for first, at in enumerate(passed_at):
        for count, later in enumerate(passed_at[first:], start=1):
            assert count <= burst + per_second * (later - at) + 1e-6
    assert all(one <= other for one, other in pairwise(passed_at))


def test_a_refusal_is_never_a_reason_to_ask_another_node() -> None:
    error = RateLimited("text")
    assert not is_refusal(error)
    assert not may_repeat(error, harmless=True, outermost=True)


@pytest.mark.parametrize(("per_second", "burst"), [(0.0, 1), (-1.0, None), (1.0, 0)])
def test_a_limit_that_lets_nothing_through_is_refused(per_second: float, burst: int | None) -> None:
    with pytest.raises(ValueError, match="lets something through"):
        RateLimit(per_second, burst)
