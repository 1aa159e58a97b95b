from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from broker.observe.quantile import MEMORY, SAMPLES_MIN, SAMPLES_PER_UPDATE, RecentQuantile
from broker.policies.call_policy import CallPolicy
from broker.policies.hedging import HEDGE_SECONDS_FIRST, HEDGE_SECONDS_MIN, slow_after_seconds


def seen(samples: list[float], share: float = 0.95) -> RecentQuantile:
    quantile = RecentQuantile(share)
    for sample in samples:
        quantile.note(sample)
    return quantile


def test_says_nothing_until_it_has_seen_enough() -> None:
    assert seen([1.0] * (SAMPLES_MIN - 1)).value is None
    assert seen([1.0] * SAMPLES_MIN).value == 1.0


@given(st.lists(st.floats(0.0, 10.0), min_size=SAMPLES_MIN + SAMPLES_PER_UPDATE, max_size=600))
def test_lies_between_the_least_and_the_greatest_of_what_was_seen(samples: list[float]) -> None:
    value = seen(samples).value
    assert value is not None
    assert min(samples) <= value <= max(samples)


def test_is_near_the_share_that_was_asked_for() -> None:
    value = seen([number / MEMORY for number in range(MEMORY)] * 3).value
    assert value is not None
    assert abs(value - 0.95) < 0.05


def test_follows_a_change_and_forgets_what_is_long_ago() -> None:
    random = Random(1)
    assert (seen([random.random() for _ in range(500)] + [5.0] * 2 * MEMORY).value) == 5.0


def test_hedges_after_the_usual_time_but_not_at_once() -> None:
    usual = seen([0.2] * 100)
    assert slow_after_seconds(CallPolicy(), usual) == 0.2
    assert slow_after_seconds(CallPolicy(), seen([0.0001] * 100)) == HEDGE_SECONDS_MIN
    assert slow_after_seconds(CallPolicy(hedge_after_seconds=0.05), usual) == 0.05
    assert slow_after_seconds(CallPolicy(hedge=False), usual) is None
    assert slow_after_seconds(CallPolicy(), seen([])) == HEDGE_SECONDS_FIRST
