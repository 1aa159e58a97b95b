from __future__ import annotations

import asyncio

from broker.nats.doubt import LOOK_SECONDS, LOOKS, Doubt
from broker.refusals import NotSent
from broker.testing import FakeClock, settled

SILENCE_SECONDS = LOOKS * LOOK_SECONDS


class Peer:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.pings: list[asyncio.Future[None]] = []
        self.given_up = False
        self.doubt = Doubt(self.clock, ask=self._hear, on_silence=self._note_silence)

    def _hear(self) -> asyncio.Future[None]:
        self.pings.append(asyncio.get_running_loop().create_future())
        return self.pings[-1]

    def _note_silence(self) -> None:
        self.given_up = True

    async def answer(self) -> None:
        self.pings[-1].set_result(None)
        await settled()


async def test_gives_up_a_peer_from_which_nothing_comes() -> None:
    peer = Peer()
    peer.doubt.begin()
    await peer.clock.advance(SILENCE_SECONDS - 0.01)
    assert not peer.given_up
    await peer.clock.advance(0.02)
    assert peer.given_up


async def test_is_reassured_by_an_answer() -> None:
    peer = Peer()
    peer.doubt.begin()
    await peer.answer()
    await peer.clock.advance(10 * SILENCE_SECONDS)
    assert not peer.given_up


async def test_whatever_comes_in_is_a_sign_of_life_but_only_for_a_while() -> None:
    peer = Peer()
    peer.doubt.begin()
    for _ in range(3 * LOOKS):
        await peer.clock.advance(LOOK_SECONDS)
        peer.doubt.silent = False
    assert not peer.given_up
    await peer.clock.advance(SILENCE_SECONDS + LOOK_SECONDS + 0.02)
    assert peer.given_up


async def test_what_was_on_its_way_when_the_peer_froze_delays_the_verdict_by_no_more_than_a_look() -> None:
    peer = Peer()
    peer.doubt.begin()
    peer.doubt.silent = False
    await peer.clock.advance(SILENCE_SECONDS + LOOK_SECONDS + 0.02)
    assert peer.given_up


async def test_many_who_doubt_are_one_ping() -> None:
    peer = Peer()
    for _ in range(100):
        peer.doubt.begin()
    assert len(peer.pings) == 1
    await peer.answer()
    peer.doubt.begin()
    assert len(peer.pings) == 1
    await peer.clock.advance(LOOK_SECONDS)
    peer.doubt.begin()
    assert len(peer.pings) == 2


async def test_a_connection_that_is_lost_meanwhile_is_nobodys_error() -> None:
    peer = Peer()
    peer.doubt.begin()
    peer.pings[-1].set_exception(NotSent("the cable was cut"))
    await peer.clock.advance(SILENCE_SECONDS)
    assert not peer.given_up


async def test_does_not_doubt_where_no_more_pings_fit() -> None:
    def full() -> asyncio.Future[None]:
        raise NotSent("too many wait for the server's answer")

    clock = FakeClock()
    Doubt(clock, ask=full, on_silence=lambda: None).begin()
    await clock.advance(SILENCE_SECONDS)
