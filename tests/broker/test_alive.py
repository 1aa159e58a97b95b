"""The health check of the image: it believes an answer, and nothing else."""

from __future__ import annotations

import asyncio

import pytest

from broker.alive import complaint
from broker.observe.exposition import Exposition
from broker.observe.metrics import Metrics
from broker.settings import Address
from tests.servers import TEST_HOST, free_port


async def asked(address: object) -> str | None:
    return await asyncio.to_thread(complaint, {"LOCALGROUP_METRICS_ADDRESS": str(address)})


async def test_a_tier_that_answers_is_alive_though_it_is_not_ready() -> None:
    address = Address(TEST_HOST, free_port())
    tier = Exposition(address, Metrics(), {"mesh": lambda: "not connected"})
    await tier.start()
    try:
        assert await asked(address) is None
    finally:
        await tier.stop()
    assert "refused" in str(await asked(address))


async def test_an_answer_that_is_none_of_a_living_tier_does_not_count() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(refuse, TEST_HOST, 0)
    async with server:
        address = Address(*server.sockets[0].getsockname()[:2])
        assert await asked(address) == f"{address} answers 500"


@pytest.mark.parametrize("address", ["", "nowhere", "127.0.0.1:many"])
def test_says_which_variable_is_wrong(address: str) -> None:
    assert complaint({"LOCALGROUP_METRICS_ADDRESS": address}) == "LOCALGROUP_METRICS_ADDRESS must be <host>:<port>"
