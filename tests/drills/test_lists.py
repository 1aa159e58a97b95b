"""Each anomaly by hand, as the literature draws it; then stores in memory, sound and unsound, at random."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.drills.checkers.lists import Append, Elements, Operation, Read, Transaction, check
from tests.drills.history import Kind, Outcome, Span

DONE, REFUSED, UNKNOWN = Outcome.ACKNOWLEDGED, Outcome.REFUSED, Outcome.UNKNOWN
AT_ANY_TIME = Span(0, 9)


def done(name: str, *operations: Operation, span: Span = AT_ANY_TIME, fresh: bool = False) -> Transaction:
    return Transaction(name, operations, DONE, span, fresh)


def kinds(transactions: Iterable[Transaction], **final: Elements) -> set[Kind]:
    return {anomaly.kind for anomaly in check(list(transactions), final)}


def test_finds_nothing_in_an_order_that_can_be() -> None:
    assert not kinds(
        [
            done("t1", Append("x", 1), Append("y", 1)),
            done("t2", Read("x", (1,)), Append("x", 2), Read("x", (1, 2))),
            done("t3", Read("x", (1, 2)), Read("y", (1,))),
        ],
        x=(1, 2),
        y=(1,),
    )


def test_finds_an_acknowledged_element_that_is_missing() -> None:
    assert kinds([done("t1", Append("x", 1))], x=()) == {Kind.LOST}


def test_finds_an_element_twice() -> None:
    assert Kind.DOUBLED in kinds([done("t1", Append("x", 1))], x=(1, 1))


def test_finds_an_element_of_nobody() -> None:
    assert Kind.INVENTED in kinds([done("t1", Append("x", 1))], x=(1, 7))


def test_finds_an_aborted_read() -> None:
    refused = Transaction("t1", (Append("x", 1),), REFUSED, Span(0, 1))
    assert Kind.REFUSED_SEEN in kinds([refused, done("t2", Read("x", (1,)))], x=())


def test_finds_a_refused_append_that_happened() -> None:
    assert kinds([Transaction("t1", (Append("x", 1),), REFUSED, Span(0, 1))], x=(1,)) == {Kind.REFUSED_SEEN}


def test_an_unknown_append_may_have_happened_or_not() -> None:
    unknown = Transaction("t1", (Append("x", 1),), UNKNOWN, Span(0, 1))
    assert not kinds([unknown], x=())
    assert not kinds([unknown, done("t2", Read("x", (1,)))], x=(1,))


def test_finds_an_intermediate_read() -> None:
    assert Kind.INTERMEDIATE_READ in kinds(
        [done("t1", Append("x", 1), Append("x", 2)), done("t2", Read("x", (1,)))], x=(1, 2)
    )


def test_finds_two_orders_of_one_list() -> None:
    appends = [done("t1", Append("x", 1)), done("t2", Append("x", 2))]
    assert Kind.DIVERGED in kinds([*appends, done("t3", Read("x", (2, 1)))], x=(1, 2))


def test_finds_a_list_that_ended_shorter_than_it_was() -> None:
    unknown = Transaction("t1", (Append("x", 1),), UNKNOWN, Span(0, 1))
    assert Kind.DIVERGED in kinds([unknown, done("t2", Read("x", (1,)))], x=())


@pytest.mark.parametrize("read", [(), (1,), (2, 1)])
def test_finds_a_transaction_that_does_not_see_its_own_append(read: Elements) -> None:
    transactions = [done("t1", Append("x", 1)), done("t2", Append("x", 2), Read("x", read))]
    assert Kind.NOT_OWN in kinds(transactions, x=(1, 2))


def test_finds_two_readings_of_one_transaction_that_differ() -> None:
    assert Kind.NOT_OWN in kinds([done("t1", Append("x", 1)), done("t2", Read("x", ()), Read("x", (1,)))], x=(1,))


def test_finds_a_lost_update() -> None:
    both = [done(name, Read("x", ()), Append("x", element)) for name, element in (("t1", 1), ("t2", 2))]
    assert kinds(both, x=(1, 2)) >= {Kind.LOST_UPDATE, Kind.SINGLE_ANTI_DEPENDENCY}


def test_finds_a_lost_update_of_which_only_one_is_left() -> None:
    both = [done(name, Read("x", ()), Append("x", element)) for name, element in (("t1", 1), ("t2", 2))]
    assert kinds(both, x=(2,)) >= {Kind.LOST_UPDATE, Kind.LOST}


def test_finds_crosswise_overwriting() -> None:
    crossed = [done("t1", Append("x", 1), Append("y", 1)), done("t2", Append("x", 2), Append("y", 2))]
    assert kinds(crossed, x=(1, 2), y=(2, 1)) >= {Kind.WRITE_CYCLE}


def test_finds_a_circular_flow_of_information() -> None:
    each_saw_the_other = [
        done("t1", Append("x", 1), Read("y", (2,))),
        done("t2", Append("y", 2), Read("x", (1,))),
    ]
    assert kinds(each_saw_the_other, x=(1,), y=(2,)) == {Kind.CIRCULAR_FLOW}


def test_finds_read_skew() -> None:
    half_seen = [done("t1", Append("x", 1), Append("y", 1)), done("t2", Read("x", ()), Read("y", (1,)))]
    assert kinds(half_seen, x=(1,), y=(1,)) == {Kind.SINGLE_ANTI_DEPENDENCY}


def test_finds_read_skew_along_a_longer_way() -> None:
    transactions = [
        done("t1", Append("x", 1)),
        done("t2", Read("x", (1,)), Append("y", 2)),
        done("t3", Read("y", (2,)), Append("z", 3)),
        done("t4", Read("z", (3,)), Read("x", ())),
    ]
    assert kinds(transactions, x=(1,), y=(2,), z=(3,)) == {Kind.SINGLE_ANTI_DEPENDENCY}


def test_write_skew_is_allowed() -> None:
    skewed = [done("t1", Read("x", ()), Append("y", 1)), done("t2", Read("y", ()), Append("x", 2))]
    assert not kinds(skewed, x=(2,), y=(1,))


def test_finds_a_fresh_read_that_missed_what_was_acknowledged() -> None:
    append = done("t1", Append("x", 1), span=Span(0, 1))
    later = Span(2, 3)
    assert Kind.STALE in kinds([append, done("t2", Read("x", ()), span=later, fresh=True)], x=(1,))
    assert not kinds([append, done("t2", Read("x", ()), span=later)], x=(1,))
    assert not kinds([append, done("t2", Read("x", ()), span=Span(0.5, 3), fresh=True)], x=(1,))


class SnapshotStore:
    """Transactions that overlap at random; `checks` says whether an append insists on the list as it was read."""

    def __init__(self, random: Random, *, checks: bool) -> None:
        self.random = random
        self.checks = checks
        self.lists: dict[str, Elements] = dict.fromkeys("xyz", ())
        self.history: list[Transaction] = []

    def run(self, transactions: int) -> None:
        open_: list[dict[str, Elements]] = []
        for number in range(transactions):
            open_.append(dict(self.lists))
            while open_ and self.random.random() < 0.6:
                self.finish(f"t{number}-{len(self.history)}", open_.pop(self.random.randrange(len(open_))))
        for snapshot in open_:
            self.finish(f"last-{len(self.history)}", snapshot)

    def finish(self, name: str, snapshot: dict[str, Elements]) -> None:
        operations: list[Operation] = []
        written: dict[str, Elements] = {}
        for key in self.random.sample("xyz", 2):
            operations.append(Read(key, snapshot[key]))
            if self.random.random() < 0.6:
                element = len(self.history) * 10 + len(operations)
                operations.append(Append(key, element))
                written[key] = (*snapshot[key], element)
        committed = not self.checks or all(self.lists[key] == snapshot[key] for key in written)
        if committed:
            self.lists |= written
        at = len(self.history)
        self.history.append(Transaction(name, tuple(operations), DONE if committed else REFUSED, Span(at, at)))


@given(st.randoms(use_true_random=False))
def test_snapshots_with_checked_updates_never_look_wrong(random: Random) -> None:
    store = SnapshotStore(random, checks=True)
    store.run(40)
    assert check(store.history, store.lists) == []


@given(st.randoms(use_true_random=False))
def test_blind_updates_are_found_whenever_they_lost_one(random: Random) -> None:
    store = SnapshotStore(random, checks=False)
    store.run(40)
    appended = {(append.key, append.element) for each in store.history for append in each.appends}
    there = {(key, element) for key, elements in store.lists.items() for element in elements}
    found = {anomaly.kind for anomaly in check(store.history, store.lists)}
    assert (Kind.LOST in found) == (appended != there)
