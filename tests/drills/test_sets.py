from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.drills.checkers.sets import Add, Reading, check
from tests.drills.history import Kind, Outcome, Span

ADDED = [Add("a", Outcome.ACKNOWLEDGED, Span(0, 1)), Add("b", Outcome.ACKNOWLEDGED, Span(2, 3))]


def kinds(adds: list[Add], final: list[str], *readings: Reading) -> list[Kind]:
    return [anomaly.kind for anomaly in check(adds, readings, final)]


def test_finds_nothing_where_all_is_there_once() -> None:
    assert kinds(ADDED, ["b", "a"], Reading(frozenset("a"), Span(1.5, 2.5))) == []


def test_finds_an_element_that_is_missing() -> None:
    assert kinds(ADDED, ["a"]) == [Kind.LOST]


def test_finds_an_element_that_is_there_twice() -> None:
    assert kinds(ADDED, ["a", "b", "b"]) == [Kind.DOUBLED]


def test_finds_a_refused_element() -> None:
    assert kinds([*ADDED, Add("c", Outcome.REFUSED, Span(0, 1))], ["a", "b", "c"]) == [Kind.REFUSED_SEEN]


def test_finds_an_element_that_nobody_added() -> None:
    assert kinds(ADDED, ["a", "b", "z"]) == [Kind.INVENTED]


def test_an_unknown_element_may_be_there_or_not() -> None:
    adds = [*ADDED, Add("c", Outcome.UNKNOWN, Span(0, 1))]
    assert [kinds(adds, list(final)) for final in ("ab", "abc")] == [[], []]


def test_finds_a_fresh_reading_that_missed_an_element() -> None:
    assert kinds(ADDED, ["a", "b"], Reading(frozenset("b"), Span(4, 5))) == [Kind.STALE]


def test_a_reading_that_promised_nothing_may_miss_some() -> None:
    assert kinds(ADDED, ["a", "b"], Reading(frozenset(), Span(4, 5), fresh=False)) == []


@given(st.dictionaries(st.text(max_size=3), st.sampled_from(Outcome), min_size=1), st.data())
def test_every_single_loss_is_found(outcomes: dict[str, Outcome], data: st.DataObject) -> None:
    adds = [Add(element, outcome, Span(0, 1)) for element, outcome in outcomes.items()]
    final = [element for element, outcome in outcomes.items() if outcome is Outcome.ACKNOWLEDGED]
    assert kinds(adds, final) == []
    if final:
        final.remove(data.draw(st.sampled_from(final)))
        assert kinds(adds, final) == [Kind.LOST]
