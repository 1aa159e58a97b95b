"""What streams promise, whatever carries them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from hashlib import sha256
from typing import Any

import pytest

from broker import Broker, Context, Service, action
from broker.streams.inflow import WINDOW_BYTES
from broker.testing import FakeClock
from schema.action import Action, Message, Nothing
from schema.errors import Conflict, Internal, Invalid, NotFound, TimedOut, Unavailable
from schema.stream import Stream
from tests.contract.conftest import Mesh
from tests.waiting import eventually

CHUNK = bytes(range(256)) * 400
CHUNKS = 60
"""Six times what may be on its way."""


class Line(Message):
    number: int


class Read(Message):
    chunks: int = CHUNKS


READ = Action("files.read", Read, Stream[bytes], safe=True)
LINES = Action("files.lines", Read, Stream[Line], safe=True)
SAVE = Action("files.save", Nothing, dict[str, Any], safe=False)
SHOUT = Action("files.shout", Nothing, Stream[bytes], safe=False)


class Files(Service):
    """`before` runs before each chunk that is sent, and may wait or raise."""

    name = "files"

    def __init__(self, before: Callable[[int], Any] | None = None) -> None:
        self.before = before
        self.made = 0
        self.broken: Unavailable | None = None
        self.closed = asyncio.Event()

    @action(READ)
    async def read(self, context: Context, request: Read) -> Stream[bytes]:
        context.meta["length"] = len(CHUNK) * request.chunks
        return Stream(self._chunks(request.chunks))

    @action(LINES)
    async def lines(self, context: Context, request: Read) -> Stream[Line]:
        async def numbered() -> AsyncIterator[Line]:
            for number in range(request.chunks):
                yield Line(number=number)

        return Stream(numbered())

    @action(SAVE)
    async def save(self, context: Context, request: Nothing) -> dict[str, Any]:
        digest, objects = sha256(), []
        try:
            async for chunk in context.stream:
                if isinstance(chunk, bytes):
                    digest.update(chunk)
                else:
                    objects.append(chunk)
        except Unavailable as error:
            self.broken = error
            raise
        return {"sha256": digest.hexdigest(), "objects": objects}

    @action(SHOUT)
    async def shout(self, context: Context, request: Nothing) -> Stream[bytes]:
        async def louder() -> AsyncIterator[bytes]:
            async for chunk in context.stream:
                yield chunk.upper()

        return Stream(louder())

    async def _chunks(self, count: int) -> AsyncIterator[bytes]:
        try:
            for number in range(count):
                if self.before is not None:
                    await self.before(number)
                self.made += 1
                yield CHUNK
        finally:
            self.closed.set()


async def some(*chunks: Any) -> AsyncIterator[Any]:
    for chunk in chunks:
        yield chunk


async def read_bytes(chunks: AsyncIterator[bytes], count: int) -> bytes:
    received = b""
    while len(received) < count:
        received += await anext(chunks)
    return received


@pytest.fixture(params=["other-node", "same-node"])
def place(request: pytest.FixtureRequest) -> str:
    value: str = request.param
    return value


async def caller_of(mesh: Mesh, place: str, files: Files, **settings: Any) -> Broker:
    server = await mesh.node("server", files, **settings)
    return server if place == "same-node" else await mesh.node("client", **settings)


async def test_carries_bytes_in_order_and_unchanged(mesh: Mesh, place: str) -> None:
    client = await caller_of(mesh, place, Files())
    meta: dict[str, Any] = {}
    async with await client.call(READ, Read(), meta=meta) as chunks:
        received = b"".join([chunk async for chunk in chunks])
    assert received == CHUNK * CHUNKS
    assert meta == {"length": len(received)}


async def test_carries_values_of_a_contracts_type(mesh: Mesh, place: str) -> None:
    client = await caller_of(mesh, place, Files())
    lines = [line async for line in await client.call(LINES, Read(chunks=3))]
    assert lines == [Line(number=0), Line(number=1), Line(number=2)]
    untyped = [line async for line in await client.call("files.lines", {"chunks": 1})]
    assert untyped == [{"number": 0}]


async def test_carries_nothing_at_all(mesh: Mesh, place: str) -> None:
    client = await caller_of(mesh, place, Files())
    assert [chunk async for chunk in await client.call(READ, Read(chunks=0))] == []


async def test_a_call_takes_a_stream_along(mesh: Mesh, place: str) -> None:
    client = await caller_of(mesh, place, Files())
    saved = await client.call(SAVE, Nothing(), stream=some(*[CHUNK] * CHUNKS))
    assert saved["sha256"] == sha256(CHUNK * CHUNKS).hexdigest()
    saved = await client.call(SAVE, Nothing(), stream=some({"a": 1}, [2], None))
    assert saved["objects"] == [{"a": 1}, [2], None]
    assert (await client.call(SAVE, Nothing()))["objects"] == []


async def test_streams_in_both_directions_at_once(mesh: Mesh, place: str) -> None:
    client = await caller_of(mesh, place, Files())
    asked: asyncio.Queue[bytes] = asyncio.Queue()

    async def questions() -> AsyncIterator[bytes]:
        yield b"first"
        yield await asked.get()

    async with await client.call(SHOUT, Nothing(), stream=questions()) as answers:
        assert await anext(answers) == b"FIRST"
        asked.put_nowait(b"second")
        assert await anext(answers) == b"SECOND"


async def test_a_stream_that_fails_before_its_first_chunk_is_a_failed_call(mesh: Mesh, place: str) -> None:
    async def missing(number: int) -> None:
        raise NotFound("no such file")

    client = await caller_of(mesh, place, Files(missing))
    with pytest.raises(NotFound, match="no such file"):
        async with await client.call(READ, Read()) as chunks:
            await anext(chunks)


async def test_a_stream_that_breaks_later_says_why_after_what_came_before(mesh: Mesh, place: str) -> None:
    async def full(number: int) -> None:
        if number == 2:
            raise Conflict("the disk is full")

    client = await caller_of(mesh, place, Files(full))
    chunks = await client.call(READ, Read())
    assert await read_bytes(chunks, 2 * len(CHUNK)) == CHUNK * 2
    with pytest.raises(Conflict, match="the disk is full"):
        await anext(chunks)


async def test_keeps_a_defect_to_the_node_that_has_it(mesh: Mesh, caplog: pytest.LogCaptureFixture) -> None:
    async def fail(number: int) -> None:
        if number == 1:
            raise ZeroDivisionError("password is hunter2")

    client = await caller_of(mesh, "other-node", Files(fail))
    with pytest.raises(Internal) as caught:
        _ = [chunk async for chunk in await client.call(READ, Read())]
    assert "hunter2" not in str(caught.value)
    assert "hunter2" in caplog.text


async def test_sends_no_more_than_a_window_ahead_of_its_reader(mesh: Mesh) -> None:
    files = Files()
    client = await caller_of(mesh, "other-node", files)
    async with await client.call(READ, Read(chunks=1000)) as chunks:
        await anext(chunks)
        await asyncio.sleep(0.1)
        ahead_bytes = files.made * len(CHUNK)
        assert WINDOW_BYTES // 2 < ahead_bytes < WINDOW_BYTES + 3 * len(CHUNK)


async def test_a_reader_that_stops_early_stops_the_sender(mesh: Mesh, place: str) -> None:
    files = Files()
    client = await caller_of(mesh, place, files)
    async with await client.call(READ, Read(chunks=1000)) as chunks:
        await anext(chunks)
    async with asyncio.timeout(10):
        await files.closed.wait()
    assert files.made < 1000


async def test_a_handler_that_does_not_read_its_stream_stops_the_sender(mesh: Mesh) -> None:
    client = await caller_of(mesh, "other-node", Files())
    ended = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield CHUNK
        finally:
            ended.set()

    lines = [line async for line in await client.call(LINES, Read(chunks=1), stream=endless())]
    assert lines == [Line(number=0)]
    async with asyncio.timeout(10):
        await ended.wait()


async def test_a_stream_breaks_when_its_sender_leaves(mesh: Mesh) -> None:
    held = asyncio.Event()

    async def hold(number: int) -> None:
        if number == 1:
            await held.wait()

    server = await mesh.node("server", Files(hold))
    client = await mesh.node("client")
    async with await client.call(READ, Read()) as chunks:
        await anext(chunks)
        await mesh.end(server)
        with pytest.raises(Unavailable, match="server left"):
            _ = [chunk async for chunk in chunks]


async def test_a_handler_sees_that_the_sender_of_its_stream_left(mesh: Mesh) -> None:
    files = Files()

    async def never_ending() -> AsyncIterator[bytes]:
        yield CHUNK
        await asyncio.Event().wait()

    await mesh.node("server", files)
    client = await mesh.node("client")
    call = asyncio.ensure_future(client.call(SAVE, Nothing(), stream=never_ending()))
    await asyncio.sleep(0.05)
    await mesh.end(client)
    await eventually(lambda: files.broken)
    call.cancel()


async def test_a_reader_gives_a_stream_up_that_stands_still(mesh: Mesh) -> None:
    clock, held = FakeClock(), asyncio.Event()

    async def hold(number: int) -> None:
        if number == 1:
            await held.wait()

    await mesh.node("server", Files(hold))
    client = await mesh.node("client", clock=clock, stream_idle_seconds=20, heartbeat_timeout_seconds=3600)
    async with await client.call(READ, Read()) as chunks:
        await read_bytes(chunks, len(CHUNK))
        waiting = asyncio.ensure_future(anext(chunks))
        await clock.advance(26)
        with pytest.raises(TimedOut, match="stood still"):
            await waiting


async def test_a_sender_gives_a_stream_up_that_nobody_reads(mesh: Mesh) -> None:
    clock, files = FakeClock(), Files()
    await mesh.node("server", files, clock=clock, stream_idle_seconds=20, heartbeat_timeout_seconds=3600)
    client = await mesh.node("client")
    async with await client.call(READ, Read(chunks=1000)) as chunks:
        await eventually(lambda: files.made * len(CHUNK) > WINDOW_BYTES)
        await clock.advance(21)
        with pytest.raises(TimedOut, match="not read"):
            await read_bytes(chunks, 1000 * len(CHUNK))
    assert files.closed.is_set()


async def test_refuses_what_is_neither_all_bytes_nor_all_values(mesh: Mesh) -> None:
    client = await caller_of(mesh, "other-node", Files())
    with pytest.raises(Invalid, match="either bytes or objects"):
        await client.call(SAVE, Nothing(), stream=some(b"bytes", {"then": "an object"}))


async def test_bounds_the_streams_that_a_node_takes_part_in(mesh: Mesh) -> None:
    held = asyncio.Event()

    async def hold(number: int) -> None:
        if number == 1:
            await held.wait()

    await mesh.node("server", Files(hold), stream_capacity=1)
    client = await mesh.node("client")
    async with await client.call(READ, Read()) as chunks:
        await anext(chunks)
        with pytest.raises(Exception, match="too many streams"):
            await client.call(READ, Read())
