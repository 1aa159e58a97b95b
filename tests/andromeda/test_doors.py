"""Taking a region out of service turns nobody away, and is done when nobody is left."""

from __future__ import annotations

import asyncio

import pytest

from andromeda.doors import QUIET_SECONDS, Doors
from broker.testing import FakeClock, settled
from schema.errors import Conflict
from tests.andromeda.region import Region

TERMS = "/slugsurvival/data/fetch/terms"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def test_it_is_done_when_nobody_came_for_a_while_and_nobody_is_connected(clock: FakeClock) -> None:
    doors, connected = Doors(clock), 1
    doors.connections = lambda: connected
    shutting = asyncio.ensure_future(doors.shut_until_empty())
    await clock.advance(QUIET_SECONDS - 1)
    doors.requested()
    await clock.advance(QUIET_SECONDS)
    still_connected = shutting.done()
    connected = 0
    await clock.advance(QUIET_SECONDS)

    assert not still_connected
    assert shutting.done()


async def test_shutting_what_is_shut_is_done_at_once(clock: FakeClock) -> None:
    doors = Doors(clock)
    shutting = asyncio.ensure_future(doors.shut_until_empty())
    await clock.advance(2 * QUIET_SECONDS)
    again = asyncio.ensure_future(doors.shut_until_empty())
    await settled()

    assert shutting.done()
    assert again.done()


async def test_who_waits_for_them_to_be_empty_is_told_when_users_are_let_in_again(clock: FakeClock) -> None:
    doors = Doors(clock)
    doors.connections = lambda: 1
    shutting = asyncio.ensure_future(doors.shut_until_empty())
    await clock.advance(QUIET_SECONDS)
    await doors.open()
    await clock.advance(QUIET_SECONDS)

    with pytest.raises(Conflict):
        await shutting


async def test_a_signal_starts_the_time_of_quiet_like_an_order(clock: FakeClock) -> None:
    await clock.advance(10 * QUIET_SECONDS)
    doors = Doors(clock)
    doors.close()
    shutting = asyncio.ensure_future(doors.shut_until_empty())
    await clock.advance(QUIET_SECONDS / 2)
    early = shutting.done()
    await clock.advance(QUIET_SECONDS)

    assert not early
    assert shutting.done()


async def test_who_comes_while_they_are_shut_is_served_and_told_not_to_stay(steady: Region) -> None:
    before = await steady.http.get(TERMS)
    steady.attached.doors.shut = True
    during, ready = await steady.http.get(TERMS), await steady.http.get("/readyz")
    await steady.attached.doors.open()
    after = await steady.http.get(TERMS)

    assert [each.status_code for each in (before, during, after)] == [200, 200, 200]
    assert [each.headers.get("connection") for each in (before, during, after)] == [None, "close", None]
    assert ready.json()["reasons"] == {"doors": "taken out of service by an operator"}


async def test_operators_questions_do_not_count_as_users(west: Region) -> None:
    doors = west.attached.doors
    doors.shut = True
    at = doors.quiet_seconds()
    await west.http.get("/readyz")
    unchanged = doors.quiet_seconds() >= at
    await west.http.get(TERMS)

    assert unchanged
    assert doors.quiet_seconds() < 1
