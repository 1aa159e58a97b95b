"""Parts of a stream are handed on in order, each once, and what is held back is bounded."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.streams.order import HELD_BYTES_MAX, HELD_MAX, Ordering
from schema.errors import TooMany


@given(st.permutations(range(40)), st.lists(st.integers(0, 39), max_size=20))
def test_hands_on_in_order_whatever_the_order_of_arrival(arrivals: list[int], doubles: list[int]) -> None:
    order = Ordering[int]()
    handed_on: list[int] = []
    for seq in arrivals:
        handed_on += order.take(seq, seq, 1)
        for double in doubles:
            if double in handed_on:
                assert order.take(double, double, 1) == []
    assert handed_on == list(range(40))
    assert not order.incomplete


def test_says_that_something_is_missing() -> None:
    order = Ordering[str]()
    order.take(0, "a", 1)
    order.take(2, "c", 1)
    assert order.incomplete
    assert order.take(1, "b", 1) == ["b", "c"]
    assert not order.incomplete


def test_holds_back_no_more_than_so_many_parts_and_bytes() -> None:
    order = Ordering[int]()
    for seq in range(1, HELD_MAX + 1):
        order.take(seq, seq, 1)
    with pytest.raises(TooMany):
        order.take(HELD_MAX + 1, 0, 1)
    order = Ordering[int]()
    order.take(1, 1, HELD_BYTES_MAX)
    with pytest.raises(TooMany):
        order.take(2, 2, 1)


def test_room_is_free_again_once_the_gap_is_filled() -> None:
    order = Ordering[int]()
    numbers = list(range(1, HELD_MAX + 1))
    Random(1).shuffle(numbers)
    for _ in range(2):
        for seq in numbers:
            order.take(seq, seq, HELD_BYTES_MAX // HELD_MAX)
        assert len(order.take(min(numbers) - 1, 0, 1)) == HELD_MAX + 1
        numbers = [seq + HELD_MAX + 1 for seq in numbers]
