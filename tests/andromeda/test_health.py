"""When an address leaves the answers, and when it comes back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andromeda.health import Health

TO_LEAVE, TO_RETURN = 2, 5
FAILS, WELL = False, True


def fresh() -> Health:
    return Health(failures_to_leave=TO_LEAVE, successes_to_return=TO_RETURN)


def health(*probes: bool) -> Health:
    found = fresh()
    for well in probes:
        found.observe(well)
    return found


@pytest.mark.parametrize("well", [FAILS, WELL])
def test_the_first_probe_decides(well: bool) -> None:
    assert not health().known
    assert health(well).known
    assert health(well).ready is well


def test_one_failure_is_a_doubt_and_two_are_enough() -> None:
    assert health(WELL, FAILS).ready
    assert health(WELL, FAILS).doubtful
    assert not health(WELL, FAILS, FAILS).ready


def test_comes_back_after_five_successes_in_a_row() -> None:
    assert not health(FAILS, *[WELL] * 4).ready
    assert not health(FAILS, *[WELL] * 4, FAILS, *[WELL] * 4).ready
    assert health(FAILS, *[WELL] * 5).ready


@given(st.lists(st.booleans(), min_size=1))
def test_changes_only_after_as_many_probes_in_a_row_as_its_rules_say(probes: list[bool]) -> None:
    found = fresh()
    found.observe(probes[0])
    for position, well in enumerate(probes[1:], start=1):
        before = found.ready
        assert found.observe(well) == (found.ready != before)
        if found.ready != before:
            needed = TO_RETURN if found.ready else TO_LEAVE
            assert set(probes[position + 1 - needed : position + 1]) == {found.ready}
