"""Which member begins, when nobody has a quorum."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.recovery import NOTHING, DifferentHistories, Position
from lab.reunion import LEFT_SECONDS, QUIET_SECONDS, STILL_SECONDS_MAX, Heard, Said, State, Step, next_step

HISTORY = "c9f4b0f1-e5f7-11f1-8b4a-afc6ba7f4c78"
OTHER = "0b2c4b5a-e5f8-11f1-93f4-1f0e7bd1d5e0"
APART, SERVING, DOWN = Said(State.APART), Said(State.SERVING), Said(State.DOWN)
MEMBERS = ("central", "east", "west")


def still(seqno: int, history: str = HISTORY) -> Said:
    return Said(State.STILL, Position(history, seqno))


def step(me: str, heard: Heard, *, quiet: float = QUIET_SECONDS, still: float = 0.0) -> Step:
    return next_step(me, heard, quiet_seconds=quiet, still_seconds=still)


def steps(*said: Said | None) -> list[Step]:
    """Of those members that can be heard."""
    heard = dict(zip(MEMBERS, said, strict=True))
    return [step(name, heard) for name, told in heard.items() if told]


def test_members_that_found_no_quorum_in_time_stand_still() -> None:
    assert steps(APART, APART, APART) == [Step.STAND_STILL] * 3
    assert step("west", dict.fromkeys(MEMBERS, APART), quiet=QUIET_SECONDS - 1) is Step.WAIT


def test_the_most_advanced_begins_once_all_stand_still() -> None:
    assert steps(still(7), still(9), still(8)) == [Step.WAIT, Step.BEGIN, Step.WAIT]
    assert steps(still(7), still(9), APART) == [Step.WAIT, Step.WAIT, Step.STAND_STILL]


def test_of_equals_one_begins() -> None:
    assert steps(still(7), still(7), still(7)) == [Step.BEGIN, Step.WAIT, Step.WAIT]


def test_a_member_that_never_had_data_does_not_begin() -> None:
    assert steps(Said(State.STILL, NOTHING), still(3), still(2)) == [Step.WAIT, Step.BEGIN, Step.WAIT]


def test_nobody_begins_while_one_is_out_of_reach() -> None:
    """It may serve, or be the most advanced."""
    assert steps(still(9), still(8), None) == [Step.WAIT, Step.WAIT]
    assert steps(APART, APART, None) == [Step.WAIT, Step.WAIT]


def test_a_member_that_somebody_stopped_is_waited_for() -> None:
    assert steps(APART, APART, DOWN) == [Step.WAIT] * 3
    assert steps(still(9), still(8), DOWN) == [Step.WAIT] * 3


def test_whoever_stands_still_joins_who_serves() -> None:
    assert steps(SERVING, still(8), APART) == [Step.WAIT, Step.JOIN, Step.WAIT]


def test_nobody_stands_still_for_ever() -> None:
    heard = {"central": still(9), "east": still(8), "west": None}
    assert step("central", heard, still=STILL_SECONDS_MAX) is Step.JOIN


def test_a_member_that_left_is_restarted_while_others_serve() -> None:
    heard = {"central": APART, "east": SERVING, "west": None}
    assert next_step("central", heard, left_seconds=LEFT_SECONDS) is Step.RESTART
    assert next_step("central", heard, left_seconds=LEFT_SECONDS - 1) is Step.WAIT
    assert next_step("central", heard | {"east": APART}, left_seconds=LEFT_SECONDS) is Step.WAIT


def test_different_histories_are_for_a_person_to_decide() -> None:
    with pytest.raises(DifferentHistories):
        steps(still(9), still(8, OTHER), still(7))


told = st.one_of(
    st.none(),
    st.sampled_from([APART, SERVING, DOWN]),
    st.builds(still, st.integers(0, 3)),
    st.builds(still, st.just(3)),
)


@given(st.tuples(told, told, told))
def test_never_do_two_begin_and_none_unless_all_others_are_stopped(said: tuple[Said | None, ...]) -> None:
    begins = steps(*said).count(Step.BEGIN)

    assert begins <= 1
    assert not begins or all(each and each.state is State.STILL for each in said)
