"""When a node asks another who it is."""

from __future__ import annotations

from random import Random

from broker.discovery.questions import ASK_AGAIN_SECONDS, ASKED_MAX, SPREAD_SECONDS_MAX, Questions
from broker.tasks import Tasks
from broker.testing import FakeClock, settled


class Node:
    def __init__(self, audience: int = 0) -> None:
        self.clock = FakeClock()
        self.asked: list[str] = []
        self.questions = Questions(self.clock, Random(1), Tasks(), ask=self._ask, audience=lambda: audience)

    async def _ask(self, node: str) -> None:
        self.asked.append(node)


async def test_asks_at_once_in_a_small_mesh_and_only_once() -> None:
    node = Node()
    for _ in range(3):
        node.questions.wonder("other")
    await node.clock.advance(0.01)
    assert node.asked == ["other"]


async def test_asks_again_when_no_answer_came() -> None:
    node = Node()
    node.questions.wonder("other")
    await node.clock.advance(ASK_AGAIN_SECONDS)
    node.questions.wonder("other")
    await node.clock.advance(0.01)
    assert node.asked == ["other", "other"]


async def test_spares_itself_a_question_that_was_answered_meanwhile() -> None:
    node = Node(audience=1_000)
    node.questions.wonder("other")
    await settled()
    node.questions.answered("other")
    await node.clock.advance(SPREAD_SECONDS_MAX)
    assert node.asked == []


async def test_asks_anew_after_an_answer() -> None:
    node = Node()
    node.questions.wonder("other")
    await node.clock.advance(0.01)
    node.questions.answered("other")
    node.questions.wonder("other")
    await node.clock.advance(0.01)
    assert node.asked == ["other", "other"]


async def test_spreads_its_questions_over_time_in_a_large_mesh() -> None:
    node = Node(audience=1_000_000)
    for number in range(100):
        node.questions.wonder(f"other-{number}")
    await node.clock.advance(SPREAD_SECONDS_MAX / 2)
    assert 20 < len(node.asked) < 80
    await node.clock.advance(SPREAD_SECONDS_MAX / 2)
    assert len(node.asked) == 100


async def test_bounds_what_it_wonders_about() -> None:
    node = Node()
    for number in range(ASKED_MAX + 10):
        node.questions.wonder(f"other-{number}")
    await node.clock.advance(0.01)
    assert len(node.asked) == ASKED_MAX
