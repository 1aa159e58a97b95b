from __future__ import annotations

import asyncio

import orjson
import pytest

from tests.andromeda.malformed import requests
from tests.andromeda.region import Region
from tests.andromeda.sockets import exchange, statuses

REQUESTS = 2_000
AT_ONCE = 20
SEEDS = [2016]


@pytest.mark.parametrize("seed", SEEDS)
async def test_malformed_requests_get_nothing_worse_than_a_4xx(steady: Region, seed: int) -> None:
    slots = asyncio.Semaphore(AT_ONCE)

    async def attempt(sent: bytes) -> tuple[bytes, bytes]:
        async with slots:
            return sent, await exchange(steady.address, sent)

    exchanges = await asyncio.gather(*(attempt(sent) for sent in requests(seed, REQUESTS)))
    for sent, received in exchanges:
        answers = statuses(received)
        assert answers, sent
        assert all(200 <= status < 500 for status in answers), (sent, received[:500])
        assert b"Traceback" not in received, sent
    refused = sum(statuses(received)[0] >= 400 for _, received in exchanges)
    assert refused > REQUESTS / 2
    assert (await steady.http.get("/readyz")).status_code == 200


async def test_what_is_not_http_gets_the_shape_of_any_other_error(steady: Region) -> None:
    received = await exchange(steady.address, b"SSH-2.0-OpenSSH_9.2\r\n")
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"content-type: application/json" in head
    assert orjson.loads(body)["error"]["code"] == "bad_request"
