from __future__ import annotations

from tests.drills.contracts import Value
from tests.drills.history import Kind
from tests.drills.repeats import judge

ONE = Value(value=1)


def test_one_effect_and_equal_answers_are_as_it_should_be() -> None:
    assert judge([ONE] * 5, 1) == []


def test_a_second_effect_is_found() -> None:
    assert [each.kind for each in judge([ONE] * 5, 2)] == [Kind.DOUBLED]


def test_an_answer_that_differs_is_found() -> None:
    assert [each.kind for each in judge([ONE, ONE, Value(value=2)], 1)] == [Kind.DIVERGED]


def test_a_repeat_that_is_never_answered_is_found() -> None:
    assert [each.kind for each in judge([ONE, ONE, None], 1)] == [Kind.DIVERGED]
