from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.drills.checkers.counter import Add, Reading, check
from tests.drills.history import Kind, Outcome, Span

SOUND = [Add(1, Outcome.ACKNOWLEDGED, Span(0, 1)), Add(2, Outcome.ACKNOWLEDGED, Span(2, 3))]


def kinds(adds: list[Add], final: int, *readings: Reading) -> list[Kind]:
    return [anomaly.kind for anomaly in check(adds, readings, final)]


def test_finds_nothing_where_all_is_there() -> None:
    assert kinds(SOUND, 3, Reading(1, Span(1.5, 1.6)), Reading(3, Span(4, 5))) == []


def test_finds_an_acknowledged_addition_that_is_missing() -> None:
    assert kinds(SOUND, 2) == [Kind.LOST]


def test_finds_an_addition_that_happened_twice() -> None:
    assert kinds(SOUND, 5) == [Kind.DOUBLED]


def test_finds_a_refused_addition_that_happened() -> None:
    assert kinds([*SOUND, Add(4, Outcome.REFUSED, Span(0, 1))], 7) == [Kind.REFUSED_SEEN]


def test_an_unknown_addition_may_have_happened_or_not() -> None:
    adds = [*SOUND, Add(4, Outcome.UNKNOWN, Span(0, 1))]
    assert [kinds(adds, final) for final in (3, 7)] == [[], []]


def test_finds_a_fresh_reading_from_before_what_was_acknowledged() -> None:
    assert kinds(SOUND, 3, Reading(1, Span(4, 5))) == [Kind.STALE]


def test_a_reading_that_promised_nothing_may_be_behind() -> None:
    assert kinds(SOUND, 3, Reading(0, Span(4, 5), fresh=False)) == []


def test_finds_a_reading_from_the_future() -> None:
    assert kinds(SOUND, 3, Reading(3, Span(1.2, 1.5))) == [Kind.INVENTED]


amounts = st.lists(st.tuples(st.integers(1, 100), st.sampled_from(Outcome)), max_size=30)


@given(amounts, st.data())
def test_every_final_value_that_can_be_explained_is_sound(
    asked: list[tuple[int, Outcome]], data: st.DataObject
) -> None:
    adds = [Add(amount, outcome, Span(at, at + 1)) for at, (amount, outcome) in enumerate(asked)]
    unknown = [add.amount for add in adds if add.outcome is Outcome.UNKNOWN]
    happened = [amount for amount in unknown if data.draw(st.booleans())]
    acknowledged = sum(add.amount for add in adds if add.outcome is Outcome.ACKNOWLEDGED)
    assert kinds(adds, acknowledged + sum(happened)) == []


@given(amounts, st.integers(1, 50))
def test_no_loss_passes(asked: list[tuple[int, Outcome]], loss: int) -> None:
    adds = [Add(amount, outcome, Span(at, at + 1)) for at, (amount, outcome) in enumerate(asked)]
    acknowledged = sum(add.amount for add in adds if add.outcome is Outcome.ACKNOWLEDGED)
    assert Kind.LOST in kinds(adds, acknowledged - loss)
