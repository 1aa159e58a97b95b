from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.drills.checkers.bank import Balances, Transfer, check
from tests.drills.history import Kind, Outcome

INITIAL = {"a": 100, "b": 100, "c": 100}
DONE, REFUSED, UNKNOWN = Outcome.ACKNOWLEDGED, Outcome.REFUSED, Outcome.UNKNOWN
MOVED = [Transfer("a", "b", 30, DONE)]


def kinds(transfers: list[Transfer], final: Balances, *seen: Balances) -> list[Kind]:
    return [anomaly.kind for anomaly in check(INITIAL, transfers, seen, final)]


def test_finds_nothing_where_all_is_right() -> None:
    assert kinds(MOVED, {"a": 70, "b": 130, "c": 100}, INITIAL) == []


def test_finds_half_of_a_transfer() -> None:
    assert Kind.UNBALANCED in kinds(MOVED, {"a": 70, "b": 130, "c": 100}, {"a": 70, "b": 100, "c": 100})


def test_finds_a_transfer_that_is_missing() -> None:
    assert kinds(MOVED, INITIAL) == [Kind.LOST, Kind.LOST]


def test_finds_a_transfer_that_happened_twice() -> None:
    assert kinds(MOVED, {"a": 40, "b": 160, "c": 100}) == [Kind.DOUBLED, Kind.DOUBLED]


def test_finds_a_refused_transfer_that_happened() -> None:
    assert kinds([Transfer("a", "b", 30, REFUSED)], {"a": 70, "b": 130, "c": 100})


def test_an_unknown_transfer_may_have_happened_or_not_but_not_by_half() -> None:
    unknown = [Transfer("a", "b", 30, UNKNOWN)]
    assert kinds(unknown, INITIAL) == []
    assert kinds(unknown, {"a": 70, "b": 130, "c": 100}) == []
    assert kinds(unknown, {"a": 100, "b": 130, "c": 100}) == [Kind.UNBALANCED]


def test_finds_money_that_an_overwritten_balance_made() -> None:
    assert Kind.UNBALANCED in kinds([*MOVED, Transfer("a", "c", 10, DONE)], {"a": 90, "b": 130, "c": 110})


accounts = st.sampled_from(sorted(INITIAL))
transfers = st.lists(st.builds(Transfer, accounts, accounts, st.integers(1, 9), st.sampled_from(Outcome)), max_size=20)


@given(transfers, st.data())
def test_every_state_that_can_be_explained_is_sound(asked: list[Transfer], data: st.DataObject) -> None:
    balances = dict(INITIAL)
    for each in asked:
        if each.outcome is DONE or (each.outcome is UNKNOWN and data.draw(st.booleans())):
            balances[each.source] -= each.amount
            balances[each.target] += each.amount
    assert kinds(asked, balances) == []


@given(transfers, accounts, st.integers(1, 1_000))
def test_no_change_of_a_single_balance_passes(asked: list[Transfer], account: str, amount: int) -> None:
    balances = dict(INITIAL)
    for each in asked:
        if each.outcome is DONE:
            balances[each.source] -= each.amount
            balances[each.target] += each.amount
    balances[account] += amount
    assert Kind.UNBALANCED in kinds(asked, balances)
