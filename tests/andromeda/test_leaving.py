"""A gateway that ends while it is used: whoever came in gets an answer, and nobody is let in to be turned away."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import httpx
import pytest

from andromeda.leaving import SIGNAL, Leaving
from tests.andromeda.region import Region, region
from tests.waiting import eventually

TERMS = "/slugsurvival/data/fetch/terms"


@pytest.fixture
async def leaver() -> AsyncIterator[Region]:
    """One of its own, since it does not come back."""
    async with region() as found:
        yield found


async def test_a_signal_shuts_the_doors(leaver: Region) -> None:
    leaving = Leaving(leaver.attached.doors)
    await leaving.start()
    os.kill(os.getpid(), SIGNAL)
    await eventually(lambda: leaver.attached.doors.shut)
    await leaving.stop()


async def test_a_connection_that_was_kept_is_answered_once_more_when_nobody_else_is_let_in(leaver: Region) -> None:
    kept = leaver.http
    assert (await kept.get(TERMS)).status_code == 200
    ending = asyncio.create_task(leaver.server.drain())
    await eventually(lambda: leaver.attached.doors.shut)
    async with httpx.AsyncClient(trust_env=False) as late:
        with pytest.raises(httpx.ConnectError):
            await late.get(f"http://{leaver.server.address}{TERMS}")
    answer = await kept.get(TERMS)
    assert (answer.status_code, answer.headers["connection"]) == (200, "close")
    await ending


async def test_where_nobody_is_connected_it_ends_at_once(leaver: Region) -> None:
    async with asyncio.timeout(1.0):
        await leaver.server.drain()
