from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.discovery.registry import Endpoint
from broker.pending import CutOff
from broker.policies.ejection import CALLS_MIN, NODES_MAX, OVERDUE_MIN, SILENT_SECONDS, WINDOW_SECONDS, Ejections
from broker.refusals import NodeFull, NotSent, NotServed
from broker.strategies.strategy import admitted
from broker.testing import FakeClock
from schema.errors import Invalid, MeshError, NotFound, TimedOut, Unavailable

ONE, TWO = (Endpoint(node, "x.y", "west", True, False) for node in ("one", "two"))
BOTH = [ONE, TWO]


def asked(ejections: Ejections) -> Sequence[Endpoint]:
    return admitted(BOTH, ejections.avoided())


def ejected_after(clock: FakeClock, *errors: MeshError) -> Ejections:
    ejections = Ejections(clock, 2.0, failures=3)
    for error in errors:
        ejections.note_failure("one", error)
    return ejections


def failing(clock: FakeClock) -> Ejections:
    return ejected_after(clock, *[Unavailable("text")] * 3)


def test_leaves_a_node_alone_that_failed_several_times_in_a_row() -> None:
    clock = FakeClock()
    assert asked(ejected_after(clock, Unavailable("text"), TimedOut("text"))) == BOTH
    assert asked(failing(clock)) == [TWO]


def test_forgets_failures_once_a_call_succeeds() -> None:
    ejections = ejected_after(FakeClock(), Unavailable("text"), Unavailable("text"))
    ejections.note_success("one")
    ejections.note_failure("one", Unavailable("text"))
    assert asked(ejections) == BOTH


@pytest.mark.parametrize("error", [Invalid("text"), NotFound("text"), NodeFull("x"), NotSent("x"), NotServed("x")])
def test_blames_no_node_for_what_is_not_its_failure(error: MeshError) -> None:
    assert asked(ejected_after(FakeClock(), *[error] * 10)) == BOTH


def test_leaves_a_node_alone_that_fails_most_of_its_calls_but_never_all() -> None:
    ejections = Ejections(FakeClock(), 2.0, failures=3)
    for _ in range(CALLS_MIN):
        ejections.note_failure("one", Unavailable("text"))
        ejections.note_failure("one", Unavailable("text"))
        ejections.note_success("one")
    assert asked(ejections) == [TWO]


async def test_forgives_what_is_long_ago() -> None:
    clock = FakeClock()
    ejections = Ejections(clock, 2.0, failures=3)
    for _ in range(CALLS_MIN):
        ejections.note_failure("one", Unavailable("text"))
        ejections.note_success("one")
        await clock.advance(WINDOW_SECONDS)
    assert asked(ejections) == BOTH


async def test_lets_one_call_through_after_a_while_and_no_second_one() -> None:
    clock = FakeClock()
    ejections = failing(clock)
    await clock.advance(2.0)
    assert asked(ejections) == BOTH
    ejections.note_chosen("one")
    assert asked(ejections) == [TWO]


async def test_admits_a_node_again_that_answers_the_call_let_through() -> None:
    clock = FakeClock()
    ejections = failing(clock)
    await clock.advance(2.0)
    ejections.note_chosen("one")
    ejections.note_success("one")
    assert asked(ejections) == BOTH
    assert len(ejections) == 0


async def test_waits_twice_as_long_after_the_call_let_through_failed_too() -> None:
    clock = FakeClock()
    ejections = failing(clock)
    await clock.advance(2.0)
    ejections.note_chosen("one")
    ejections.note_failure("one", TimedOut("text"))
    await clock.advance(3.9)
    assert asked(ejections) == [TWO]
    await clock.advance(0.1)
    assert asked(ejections) == BOTH


async def test_lets_another_call_through_when_the_outcome_of_the_first_is_never_known() -> None:
    clock = FakeClock()
    ejections = failing(clock)
    await clock.advance(2.0)
    ejections.note_chosen("one")
    await clock.advance(2.0)
    assert asked(ejections) == BOTH


async def test_learns_nothing_from_calls_that_were_under_way_when_it_ejected() -> None:
    clock = FakeClock()
    ejections = failing(clock)
    for _ in range(100):
        ejections.note_failure("one", TimedOut("text"))
    ejections.note_success("one")
    assert asked(ejections) == [TWO]
    await clock.advance(2.0)
    assert asked(ejections) == BOTH


def test_forgets_a_node_that_is_gone() -> None:
    ejections = failing(FakeClock())
    ejections.forget("one")
    assert asked(ejections) == BOTH


def test_remembers_only_so_many_nodes() -> None:
    ejections = Ejections(FakeClock(), 2.0, failures=1)
    for number in range(NODES_MAX + 10):
        ejections.note_failure(str(number), Unavailable("text"))
    assert len(ejections) == NODES_MAX


# --- silence -------------------------------------------------------------------------------------------------


def listening(clock: FakeClock) -> tuple[Ejections, list[str]]:
    silent: list[str] = []
    return Ejections(clock, 2.0, on_silence=silent.append), silent


async def test_leaves_a_node_alone_that_answers_nothing_for_a_while() -> None:
    clock = FakeClock()
    ejections, silent = listening(clock)
    for _ in range(OVERDUE_MIN):
        assert asked(ejections) == BOTH
        ejections.note_overdue("one")
        await clock.advance(SILENT_SECONDS / (OVERDUE_MIN - 1))
    ejections.note_overdue("one")
    assert asked(ejections) == [TWO]
    assert silent == ["one"]


async def test_a_moment_of_slowness_is_not_silence() -> None:
    clock = FakeClock()
    ejections, silent = listening(clock)
    for _ in range(100):
        ejections.note_overdue("one")
    await clock.advance(SILENT_SECONDS)
    assert asked(ejections) == BOTH
    assert not silent


@pytest.mark.parametrize("heard", [Ejections.note_success, Ejections.note_heard])
async def test_a_node_that_is_always_slow_and_yet_answers_is_not_silent(
    heard: Callable[[Ejections, str], None],
) -> None:
    clock = FakeClock()
    ejections, silent = listening(clock)
    for _ in range(20):
        ejections.note_overdue("one")
        ejections.note_overdue("one")
        await clock.advance(SILENT_SECONDS)
        heard(ejections, "one")
    assert asked(ejections) == BOTH
    assert not silent


async def test_one_node_is_said_to_be_silent_once() -> None:
    clock = FakeClock()
    ejections, silent = listening(clock)
    for _ in range(20):
        ejections.note_overdue("one")
        await clock.advance(SILENT_SECONDS)
    assert silent == ["one"]


def test_what_was_the_connections_failure_is_no_nodes() -> None:
    assert asked(ejected_after(FakeClock(), *[CutOff("text")] * 10)) == BOTH
    ejections = failing(FakeClock())
    ejections.clear()
    assert asked(ejections) == BOTH


NODES = ["a", "b", "c"]


@given(st.lists(st.tuples(st.sampled_from(NODES), st.sampled_from(["fail", "succeed", "choose", "gone", "later"]))))
async def test_there_is_always_a_node_to_ask(steps: list[tuple[str, str]]) -> None:
    clock = FakeClock()
    ejections = Ejections(clock, 2.0, failures=2)
    candidates = [Endpoint(node, "x.y", "west", True, False) for node in NODES]
    for node, what in steps:
        match what:
            case "fail":
                ejections.note_failure(node, Unavailable("text"))
            case "succeed":
                ejections.note_success(node)
            case "choose":
                ejections.note_chosen(node)
            case "gone":
                ejections.forget(node)
            case "later":
                await clock.advance(1.0)
        assert admitted(candidates, ejections.avoided())
        assert admitted(candidates[:1], ejections.avoided()) == candidates[:1]
        assert len(ejections) <= len(NODES)
