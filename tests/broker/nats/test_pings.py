from __future__ import annotations

import pytest

from broker.nats.pings import OUTSTANDING_MAX, Pings
from broker.refusals import NotSent
from broker.testing import FakeClock

EVERY_SECONDS, PATIENCE_SECONDS = 5.0, 2.0


class Peer:
    """Answers, until it falls silent."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.pings_heard = 0
        self.answers = True
        self.given_up = False
        self.pings = Pings(
            self.clock,
            every_seconds=EVERY_SECONDS,
            patience_seconds=PATIENCE_SECONDS,
            send=self._hear,
            on_silence=self._note_silence,
        )

    def _hear(self) -> None:
        self.pings_heard += 1
        if self.answers:
            self.pings.answered()

    def _note_silence(self) -> None:
        self.given_up = True


async def test_pings_regularly_a_peer_that_answers() -> None:
    peer = Peer()
    peer.pings.begin()
    await peer.clock.advance(10 * EVERY_SECONDS)
    assert peer.pings_heard == 10
    assert not peer.given_up


async def test_gives_a_silent_peer_up_a_little_after_the_second_ping() -> None:
    peer = Peer()
    peer.answers = False
    peer.pings.begin()
    await peer.clock.advance(2 * EVERY_SECONDS + PATIENCE_SECONDS - 0.1)
    assert not peer.given_up
    await peer.clock.advance(0.1)
    assert peer.given_up


async def test_forgives_a_peer_that_answers_late() -> None:
    peer = Peer()
    peer.answers = False
    peer.pings.begin()
    await peer.clock.advance(2 * EVERY_SECONDS + 1)
    peer.pings.answered()
    peer.answers = True
    await peer.clock.advance(10 * EVERY_SECONDS)
    assert not peer.given_up
    assert peer.pings_heard > 8


async def test_answers_come_in_the_order_of_the_questions() -> None:
    peer = Peer()
    peer.answers = False
    first, second = peer.pings.ask(), peer.pings.ask()
    peer.pings.answered()
    assert (first.done(), second.done()) == (True, False)


async def test_tells_who_waits_that_there_will_be_no_answer() -> None:
    peer = Peer()
    peer.answers = False
    waiting = peer.pings.ask()
    peer.pings.end("the cable was cut")
    with pytest.raises(NotSent, match="the cable was cut"):
        await waiting


async def test_passes_over_who_stopped_waiting() -> None:
    peer = Peer()
    peer.answers = False
    left, stayed = peer.pings.ask(), peer.pings.ask()
    left.cancel()
    peer.pings.answered()
    peer.pings.answered()
    assert stayed.done()


async def test_refuses_more_questions_than_it_can_remember() -> None:
    peer = Peer()
    peer.answers = False
    waiting = [peer.pings.ask() for _ in range(OUTSTANDING_MAX)]
    with pytest.raises(NotSent):
        peer.pings.ask()
    for answer in waiting:
        answer.cancel()


async def test_pings_no_more_after_the_end() -> None:
    peer = Peer()
    peer.pings.begin()
    peer.pings.end("closed")
    await peer.clock.advance(10 * EVERY_SECONDS)
    assert peer.pings_heard == 0
