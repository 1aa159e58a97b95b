from __future__ import annotations

import asyncio

import pytest

from broker.reconnection import PATIENCE_SECONDS, WAITING_MAX, Reconnection
from broker.testing import FakeClock, settled

FOREVER_SECONDS = 1e9


class Link:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.connected = False
        self.reconnection = Reconnection(self.clock, lambda: self.connected)

    def wait(self, until_seconds: float = FOREVER_SECONDS) -> asyncio.Task[bool]:
        return asyncio.create_task(self.reconnection.awaited(until_seconds))


async def test_waits_until_the_connection_is_back() -> None:
    link = Link()
    waiting = link.wait()
    await link.clock.advance(PATIENCE_SECONDS / 2)
    link.reconnection.back()
    assert await waiting


@pytest.mark.parametrize("seconds", [PATIENCE_SECONDS, 0.2])
async def test_waits_no_longer_than_patience_and_deadline_allow(seconds: float) -> None:
    link = Link()
    waiting = link.wait(link.clock.now() + seconds)
    await link.clock.advance(seconds - 0.01)
    assert not waiting.done()
    await link.clock.advance(0.02)
    assert not await waiting


async def test_does_not_wait_for_what_is_there() -> None:
    link = Link()
    link.connected = True
    assert not await link.wait()


async def test_does_not_wait_once_the_deadline_has_passed() -> None:
    link = Link()
    assert not await link.wait(link.clock.now())


async def test_lets_only_so_many_wait() -> None:
    link = Link()
    waiting = [link.wait() for _ in range(WAITING_MAX)]
    await settled()
    assert not await link.wait()
    link.reconnection.back()
    assert all(await asyncio.gather(*waiting))


async def test_nobody_waits_for_a_node_that_stops() -> None:
    link = Link()
    waiting = link.wait()
    await settled()
    link.reconnection.over()
    assert not await waiting
    assert not await link.wait()


async def test_who_no_longer_waits_takes_no_place() -> None:
    link = Link()
    for _ in range(WAITING_MAX + 1):
        waiting = link.wait()
        await settled()
        waiting.cancel()
        await settled()
    last = link.wait()
    await settled()
    link.reconnection.back()
    assert await last
