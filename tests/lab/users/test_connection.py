"""A user's connection against a server that speaks as it is told, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from lab.users.connection import Answer, Failed
from lab.users.crowd import written
from lab.users.opening import connect, first_connected
from lab.users.record import REFUSED, RESET, SILENT
from tests.servers import free_port

HOST = "127.77.11.1"
FINE = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"
REQUEST = written("www.example.org", 80, "/", "")
SECONDS = 5.0
BEGUN_SECONDS = 0.2


@asynccontextmanager
async def server(*answers: bytes) -> AsyncIterator[int]:
    """One answer a request; after the last, the end. Yields its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            try:
                await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                break
            writer.write(answer)
        writer.close()

    listening = await asyncio.start_server(serve, HOST, 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


async def test_many_requests_follow_each_other() -> None:
    async with server(FINE, FINE, FINE) as port:
        connection = await connect(HOST, port, SECONDS)
        assert [await connection.ask(REQUEST, SECONDS) for _ in range(2)] == [Answer(200, stale=False)] * 2
        assert connection.usable
        connection.close()


async def test_an_answer_may_say_that_it_is_stale() -> None:
    async with server(FINE.replace(b"\r\n\r\n", b'\r\nwarning: 110 x "Response is Stale"\r\n\r\n'), FINE) as port:
        connection = await connect(HOST, port, SECONDS)
        assert (await connection.ask(REQUEST, SECONDS)).stale
        assert not (await connection.ask(REQUEST, SECONDS)).stale


async def test_a_connection_that_is_to_be_closed_is_not_used_again() -> None:
    async with server(FINE.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")) as port:
        connection = await connect(HOST, port, SECONDS)
        assert (await connection.ask(REQUEST, SECONDS)).status == 200
        assert not connection.usable


@pytest.mark.parametrize(("answer", "begun"), [(b"", False), (FINE[:-1], True)])
async def test_an_end_before_the_answer_says_whether_a_part_of_it_had_come(answer: bytes, begun: bool) -> None:
    async with server(answer) as port:
        connection = await connect(HOST, port, SECONDS)
        with pytest.raises(Failed, match=RESET) as failed:
            await connection.ask(REQUEST, SECONDS)
        assert failed.value.begun is begun
        assert not connection.usable


async def test_an_answer_is_awaited_for_so_long() -> None:
    async with server(b"", FINE) as port:
        connection = await connect(HOST, port, SECONDS)
        with pytest.raises(Failed, match=SILENT):
            await connection.ask(REQUEST, 0.01)
        assert not connection.usable


async def test_an_answer_that_has_begun_may_take_longer_to_end_than_to_begin() -> None:
    rest = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(FINE[:-1])
        await rest.wait()
        writer.write(FINE[-1:])
        writer.close()

    async with await asyncio.start_server(serve, HOST, 0) as listening:
        connection = await connect(HOST, listening.sockets[0].getsockname()[1], SECONDS)
        asyncio.get_running_loop().call_later(2 * BEGUN_SECONDS, rest.set)
        assert (await connection.ask(REQUEST, SECONDS, begun_in_seconds=BEGUN_SECONDS)).status == 200


async def test_an_answer_that_does_not_begin_in_time_is_not_awaited() -> None:
    async with server(b"", FINE) as port:
        connection = await connect(HOST, port, SECONDS)
        with pytest.raises(Failed, match=SILENT):
            await connection.ask(REQUEST, SECONDS, begun_in_seconds=BEGUN_SECONDS)


async def test_where_nobody_listens_a_connection_is_refused() -> None:
    with pytest.raises(Failed, match=REFUSED):
        await connect(HOST, free_port(HOST), SECONDS)


async def test_the_first_address_that_takes_us_is_used() -> None:
    async with server(FINE) as port:
        ports = {"dead": free_port(HOST), "alive": port}
        connection = await first_connected(list(ports), lambda name: connect(HOST, ports[name], SECONDS), SECONDS)
        assert (await connection.ask(REQUEST, SECONDS)).status == 200


async def test_where_no_address_takes_us_the_last_failure_is_told() -> None:
    with pytest.raises(Failed, match=REFUSED):
        await first_connected(["a", "b"], lambda _: connect(HOST, free_port(HOST), SECONDS), SECONDS)
