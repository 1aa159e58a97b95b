"""What a probe makes of a region that is ready, unready, gone, silent, or merely unlucky with one packet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_address

from andromeda.dns.declaration import HealthRules
from andromeda.dns.probing import READY, Finding, HttpProbe
from tests.servers import free_port

HOST = "127.77.51.2"
NAME = "www.example.org"
TIMEOUT_SECONDS = 0.7
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
UNREADY = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 9\r\n\r\nno rows\r\n"

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answering(answer: bytes, heard: list[bytes] | None = None) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.read(4_096):
            if heard is not None:
                heard.append(head)
            writer.write(answer)
        writer.close()

    return serve


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(4_096):
        pass
    writer.close()


@asynccontextmanager
async def probing(serve: Serve) -> AsyncIterator[HttpProbe]:
    server = await asyncio.start_server(serve, HOST, 0)
    port = server.sockets[0].getsockname()[1]
    probe = HttpProbe(HealthRules(port=port, timeout_seconds=TIMEOUT_SECONDS), NAME)
    yield probe
    await probe.close()
    server.close()


async def found(probe: HttpProbe) -> Finding:
    return await probe(ip_address(HOST))


async def test_asks_by_the_name_that_users_ask_for() -> None:
    heard: list[bytes] = []
    async with probing(answering(OK, heard)) as probe:
        assert await found(probe) == READY
    assert heard[0].startswith(b"GET /readyz HTTP/1.1\r\n")
    assert b"host: www.example.org\r\n" in heard[0].lower()


async def test_keeps_its_connection() -> None:
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await answering(OK)(reader, writer)

    async with probing(serve) as probe:
        for _ in range(3):
            assert (await found(probe)).ready
    assert connections == 1


async def test_who_says_that_he_is_not_ready_answers_all_the_same() -> None:
    async with probing(answering(UNREADY)) as probe:
        assert await found(probe) == Finding(answered=True, problem="503: no rows")


async def test_who_is_gone_does_not_answer() -> None:
    probe = HttpProbe(HealthRules(port=free_port(HOST)), NAME)
    finding = await found(probe)
    await probe.close()

    assert not finding.answered
    assert finding.problem is not None
    assert finding.problem.startswith("ConnectError")


async def test_who_is_silent_is_given_up_in_time() -> None:
    async with probing(silent) as probe, asyncio.timeout(5):
        assert await found(probe) == Finding(answered=False, problem="no answer within 0.7 s")


async def test_one_connection_that_hangs_does_not_count() -> None:
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await (silent if connections == 1 else answering(OK))(reader, writer)

    async with probing(serve) as probe:
        assert await found(probe) == READY
    assert connections == 2
