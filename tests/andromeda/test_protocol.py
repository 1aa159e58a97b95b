from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from andromeda.config import Limits
from tests.andromeda.region import Region, region
from tests.andromeda.sockets import exchange, statuses

IMPATIENT = Limits(url_bytes=500, head_bytes=2_000, headers=20, discarded_body_bytes=5_000, head_timeout_seconds=0.1)
TERM = b"GET /slugsurvival/data/fetch/terms/2168 HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
async def strict() -> AsyncIterator[Region]:
    async with region(limits=IMPATIENT) as strict:
        yield strict


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /" + b"a" * 501 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 2_001 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 21 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 1_000_000, 431),
        (b"GET /" + b"a" * 1_000_000, 414),
        (b"\x00" * 1_000_000, 400),
    ],
)
async def test_what_is_too_long_is_refused_though_the_client_goes_on_sending(
    strict: Region, sent: bytes, status: int
) -> None:
    assert statuses(await exchange(strict.address, sent, finish=False)) == [status]


@pytest.mark.parametrize("sent", [b"", b"GET", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n"])
async def test_whoever_takes_too_long_is_told_so(strict: Region, sent: bytes) -> None:
    assert statuses(await exchange(strict.address, sent, finish=False)) == [408]


async def test_a_body_without_end_ends_the_connection(strict: Region) -> None:
    sent = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + b"a" * 20_000
    assert statuses(await exchange(strict.address, sent, finish=False)) == [405]


async def test_whoever_has_said_everything_still_gets_an_answer(west: Region) -> None:
    west.catalogue.gate = asyncio.Event()
    asking = asyncio.create_task(exchange(west.address, TERM))
    async with asyncio.timeout(5):
        await west.catalogue.reached.wait()
    west.catalogue.gate.set()
    assert statuses(await asking) == [200]


async def test_half_a_request_is_answered_when_the_client_gives_up(steady: Region) -> None:
    assert statuses(await exchange(steady.address, TERM[:30])) == [400]


async def test_requests_in_one_go_are_answered_in_order(steady: Region) -> None:
    sent = TERM + TERM.replace(b"2168", b"9999") + TERM.replace(b"GET", b"PUT")
    assert statuses(await exchange(steady.address, sent)) == [200, 404, 405]


async def test_a_good_request_before_garbage_is_answered_first(west: Region) -> None:
    west.catalogue.gate = asyncio.Event()
    asking = asyncio.create_task(exchange(west.address, TERM + b"\x00garbage\r\n\r\n"))
    async with asyncio.timeout(5):
        await west.catalogue.reached.wait()
    west.catalogue.gate.set()
    assert statuses(await asking) == [200, 400]


async def test_too_many_connections_are_told_to_come_back() -> None:
    async with region(limits=Limits(connections=1)) as small:
        reader, writer = await asyncio.open_connection(*small.address)
        writer.write(TERM)
        await reader.readuntil(b"\r\n\r\n")
        assert statuses(await exchange(small.address, b"", finish=False)) == [429]
        writer.close()


async def test_an_upgrade_is_passed_over(steady: Region) -> None:
    sent = TERM[:-2] + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n"
    assert statuses(await exchange(steady.address, sent)) == [200]
