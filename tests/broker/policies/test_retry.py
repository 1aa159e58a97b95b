from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.config import BUDGET_PER_SECOND
from broker.pending import CutOff, Silent
from broker.policies.retry import (
    ATTEMPT_SECONDS_MIN,
    BUDGET_CAPACITY,
    RetryBudget,
    attempt_seconds,
    is_free,
    may_repeat,
)
from broker.refusals import Late, NodeFull, NotSent, NotServed
from broker.testing import FakeClock
from schema.errors import Conflict, Internal, Invalid, MeshError, TimedOut, TooMany, Unavailable


@pytest.mark.parametrize("kind", [NotServed, NodeFull, NotSent, Late])
@pytest.mark.parametrize("safe", [True, False])
@pytest.mark.parametrize("outermost", [True, False])
def test_sends_work_that_was_not_begun_elsewhere(kind: type[MeshError], *, safe: bool, outermost: bool) -> None:
    assert may_repeat(kind("text"), harmless=safe, outermost=outermost)


@pytest.mark.parametrize("kind", [Unavailable, TimedOut, TooMany])
def test_repeats_begun_work_only_if_safe_and_outermost(kind: type[MeshError]) -> None:
    assert may_repeat(kind("text"), harmless=True, outermost=True)
    assert not may_repeat(kind("text"), harmless=False, outermost=True)
    assert not may_repeat(kind("text"), harmless=True, outermost=False)


@pytest.mark.parametrize("kind", [Invalid, Conflict, Internal])
def test_never_repeats_what_would_fail_again(kind: type[MeshError]) -> None:
    assert not may_repeat(kind("text"), harmless=True, outermost=True)


def spent(budget: RetryBudget) -> int:
    """Tokens that could be spent at once."""
    count = 0
    while budget.spend():
        count += 1
    return count


async def test_grants_a_fifth_of_calls_and_some_each_second() -> None:
    clock = FakeClock()
    budget = RetryBudget(clock)
    assert spent(budget) == BUDGET_PER_SECOND
    for _ in range(51):
        budget.note_call()
    assert spent(budget) == 10
    await clock.advance(1)
    assert spent(budget) == BUDGET_PER_SECOND


async def test_saves_up_only_so_much() -> None:
    clock = FakeClock()
    budget = RetryBudget(clock)
    await clock.advance(3600)
    assert spent(budget) == BUDGET_CAPACITY


@given(
    st.floats(0.0, 1.0),
    st.floats(0.0, 50.0),
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.floats(0.0, 3.0)), max_size=40),
)
async def test_never_grants_more_than_its_share_of_calls_and_its_rate(
    share: float, per_second: float, steps: list[tuple[int, int, float]]
) -> None:
    """Whatever the order of calls, extra attempts and pauses is."""
    clock = FakeClock()
    budget, start = RetryBudget(clock, share=share, per_second=per_second), clock.now()
    calls = granted = 0
    for made, wanted, pause in steps:
        for _ in range(made):
            budget.note_call()
        granted += sum(budget.spend() for _ in range(wanted))
        calls += made
        await clock.advance(pause)
        assert granted <= calls * share + per_second * (1 + clock.now() - start) + 1e-6


def test_gives_back_what_was_spent_on_a_dead_connection() -> None:
    budget = RetryBudget(FakeClock())
    spent(budget)
    budget.refill()
    assert spent(budget) == BUDGET_CAPACITY


@pytest.mark.parametrize("kind", [NotServed, NotSent, CutOff, Silent])
def test_asking_another_is_free_where_nobody_works_on_the_call(kind: type[MeshError]) -> None:
    assert is_free(kind("text"))


@pytest.mark.parametrize("kind", [Unavailable, TimedOut, TooMany, NodeFull, Late])
def test_asking_another_costs_where_work_may_be_done_twice_or_load_is_the_reason(kind: type[MeshError]) -> None:
    assert not is_free(kind("text"))


def test_an_attempt_leaves_time_for_another_within_a_second_where_calls_are_quick() -> None:
    assert attempt_seconds(5.0, 0.01) == ATTEMPT_SECONDS_MIN < 1
    assert attempt_seconds(5.0, 0.4) == pytest.approx(1.6)
    assert attempt_seconds(5.0, None) == 2.5
    assert attempt_seconds(1.0, 0.01) == 0.5
    assert attempt_seconds(5.0, 100.0) == 2.5
