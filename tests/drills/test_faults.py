from __future__ import annotations

from itertools import islice
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tests.drills.faults import CUTS, FAULTS, deck

ALL = (*FAULTS, *CUTS)


@given(st.integers())
def test_every_fault_comes_before_any_comes_again(seed: int) -> None:
    dealt = deck(Random(seed), ALL)
    assert [set(islice(dealt, len(ALL))) for _ in range(3)] == [set(ALL)] * 3


@given(st.integers())
def test_a_seed_is_one_schedule(seed: int) -> None:
    first, second = (list(islice(deck(Random(seed), ALL), 50)) for _ in range(2))
    assert first == second
