"""Whom a node tells who it is, and when it tells everybody instead."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.discovery.answers import AT_ONCE_MAX, LOST_US_MIN, WINDOW_SECONDS, Answers, is_for_everybody
from broker.tasks import Tasks
from broker.testing import FakeClock, settled
from broker.wire.packets import Discover


class Node:
    """One that keeps account of whom it told."""

    def __init__(self, audience: int = 100) -> None:
        self.clock = FakeClock()
        self.told: list[str] = []
        self.told_everybody = 0
        self.tasks = Tasks()
        self.answers = Answers(
            self.clock,
            Random(1),
            self.tasks,
            tell=lambda question: self.told.append(question.sender),
            tell_everybody=self._count,
            audience=lambda: audience,
        )

    def _count(self) -> None:
        self.told_everybody += 1

    async def hear(self, count: int, *, known: bool = False) -> None:
        for number in range(count):
            self.answers.answer(Discover("5", f"asker-{number}"), known=known)
        await settled()


async def test_answers_the_few_questions_of_a_calm_mesh_at_once() -> None:
    node = Node()
    await node.hear(AT_ONCE_MAX)
    assert len(node.told) == AT_ONCE_MAX
    await node.clock.advance(WINDOW_SECONDS)
    assert (len(node.told), node.told_everybody) == (AT_ONCE_MAX, 0)


async def test_answers_each_later_where_only_a_part_of_the_mesh_asks() -> None:
    node = Node(audience=100)
    await node.hear(30)
    assert len(node.told) == AT_ONCE_MAX
    await node.clock.advance(WINDOW_SECONDS)
    assert (sorted(set(node.told)), node.told_everybody) == (sorted(f"asker-{number}" for number in range(30)), 0)


async def test_answers_a_storm_with_one_packet_for_everybody() -> None:
    node = Node(audience=100)
    await node.hear(100)
    await node.clock.advance(WINDOW_SECONDS)
    assert (len(node.told), node.told_everybody) == (AT_ONCE_MAX, 1)


async def test_owes_nothing_to_those_who_asked_before_it_told_everybody() -> None:
    node = Node()
    await node.hear(30)
    node.answers.settle()
    await node.clock.advance(WINDOW_SECONDS)
    assert (len(node.told), node.told_everybody) == (AT_ONCE_MAX, 0)


async def test_tells_everybody_once_when_several_have_lost_it() -> None:
    node = Node()
    await node.hear(AT_ONCE_MAX, known=True)
    assert node.told_everybody == 1
    assert node.told[: LOST_US_MIN - 1] == [f"asker-{number}" for number in range(LOST_US_MIN - 1)]


async def test_begins_anew_with_each_window() -> None:
    node = Node()
    for _ in range(2):
        await node.hear(AT_ONCE_MAX)
        await node.clock.advance(WINDOW_SECONDS)
    assert len(node.told) == 2 * AT_ONCE_MAX


@given(askers=st.integers(0, 2_000), audience=st.integers(0, 2_000))
def test_never_moves_more_packets_than_answering_each_would(askers: int, audience: int) -> None:
    together = is_for_everybody([Discover("5", str(number)) for number in range(askers)], audience)
    assert (1 + audience if together else 2 * askers) <= max(2 * askers, 0)


@pytest.mark.parametrize("audience", [1, 10, 1_000])
def test_tells_everybody_when_all_ask(audience: int) -> None:
    assert is_for_everybody([Discover("5", str(number)) for number in range(audience + 1)], audience)
