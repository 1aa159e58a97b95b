from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from broker.nats import twins as nats_twins
from broker.nats.twins import Twins

PRIVATE, SHARED = 1, 2


class Taken(list[tuple[Any, ...]]):
    def __call__(self, *message: Any) -> None:
        self.append(message)


def twins_of(taken: Taken) -> Twins:
    return Twins(taken, lambda sid: sid == PRIVATE)


@given(st.lists(st.sampled_from([b"a", b"b", b"c"]), max_size=20), st.randoms(use_true_random=False))
def test_takes_each_message_once_however_the_two_connections_interleave(payloads: list[bytes], random: Any) -> None:
    taken = Taken()
    twins = twins_of(taken)
    one, other = list(payloads), list(payloads)
    while one or other:
        if one and (not other or random.random() < 0.5):
            twins.by_one(PRIVATE, "s", "", b"", one.pop(0))
        else:
            twins.by_other(PRIVATE, "s", "", b"", other.pop(0))
    assert Counter(message[-1] for message in taken) == Counter(payloads)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 99)), unique_by=lambda message: message[1], max_size=30))
def test_takes_what_comes_by_one_connection_only(messages: list[tuple[bool, int]]) -> None:
    taken = Taken()
    twins = twins_of(taken)
    for by_one, number in messages:
        (twins.by_one if by_one else twins.by_other)(PRIVATE, "s", "", b"", b"%d" % number)
    assert [int(message[-1]) for message in taken] == [number for _, number in messages]


def test_takes_all_that_a_queue_group_gets_because_it_comes_by_one_of_them() -> None:
    taken = Taken()
    twins = twins_of(taken)
    twins.by_one(SHARED, "s", "", b"", b"same")
    twins.by_other(SHARED, "s", "", b"", b"same")
    assert len(taken) == 2


def test_tells_apart_what_differs_in_its_reply_subject_or_header() -> None:
    taken = Taken()
    twins = twins_of(taken)
    twins.by_one(PRIVATE, "s", "r1", b"", b"same")
    twins.by_other(PRIVATE, "s", "r2", b"", b"same")
    twins.by_other(PRIVATE, "s", "r1", b"header", b"same")
    assert len(taken) == 3


def test_remembers_no_more_than_it_may() -> None:
    twins = twins_of(Taken())
    for number in range(nats_twins.REMEMBERED_MAX + 10):
        twins.by_one(PRIVATE, "s", "", b"", b"%d" % number)
    assert len(twins._surplus) == nats_twins.REMEMBERED_MAX
