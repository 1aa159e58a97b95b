"""Streams between real Moleculer nodes and ours, in both directions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import pytest

from broker import Context, Service, action
from schema.action import Action, Message
from schema.errors import Conflict, NotFound, Unavailable
from schema.stream import Stream
from tests.interop.conftest import SharedMesh

TOTAL = 5_000_003
BIG = 255
"""The byte that is longest when written as a number."""


class Ask(Message):
    total: int = TOTAL
    count: int | None = None


BLOCKS = Action("blocks.read", Ask, Stream[bytes], safe=True)
ROWS = Action("blocks.rows", Ask, Stream[dict[str, int]], safe=True)
BREAK = Action("blocks.break", Ask, Stream[bytes], safe=True)
KEEP = Action("blocks.keep", Ask, dict[str, Any], safe=False)


def pattern(total: int) -> bytes:
    return (bytes(range(251)) * (total // 251 + 1))[:total]


async def in_chunks(data: bytes, size: int = 100_000) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


class Blocks(Service):
    name = "blocks"

    @action(BLOCKS)
    async def read(self, context: Context, request: Ask) -> Stream[bytes]:
        return Stream(in_chunks(pattern(request.total)))

    @action(ROWS)
    async def rows(self, context: Context, request: Ask) -> Stream[dict[str, int]]:
        async def numbered() -> AsyncIterator[dict[str, int]]:
            for number in range(request.count or 0):
                yield {"number": number}

        return Stream(numbered())

    @action(BREAK)
    async def broken(self, context: Context, request: Ask) -> Stream[bytes]:
        async def breaking() -> AsyncIterator[bytes]:
            yield b"first"
            raise Conflict("the disk is full")

        return Stream(breaking())

    @action(KEEP)
    async def keep(self, context: Context, request: Ask) -> dict[str, Any]:
        digest, objects, length = sha256(), [], 0
        async for chunk in context.stream:
            if isinstance(chunk, bytes):
                digest.update(chunk)
                length += len(chunk)
            else:
                objects.append(chunk)
        return {"length": length, "sha256": digest.hexdigest(), "objects": objects, "meta": context.meta}


async def test_we_read_bytes_of_theirs(mesh: SharedMesh) -> None:
    ours = await mesh.ours(wait_for=["streams"])
    async with await ours.call("streams.download", {"total": TOTAL}) as chunks:
        assert b"".join([chunk async for chunk in chunks]) == pattern(TOTAL)


async def test_we_read_objects_of_theirs(mesh: SharedMesh) -> None:
    ours = await mesh.ours(wait_for=["streams"])
    meta: dict[str, Any] = {}
    objects = [each async for each in await ours.call("streams.download", {"count": 300}, meta=meta)]
    assert objects == [{"number": number} for number in range(300)]
    assert meta == {}


async def test_we_read_what_came_before_theirs_broke(mesh: SharedMesh) -> None:
    ours = await mesh.ours(wait_for=["streams"])
    chunks = await ours.call("streams.broken", {})
    assert await anext(chunks) == b"first"
    with pytest.raises(Conflict, match="the disk is full"):
        await anext(chunks)


async def test_theirs_read_our_bytes(mesh: SharedMesh) -> None:
    ours = await mesh.ours(Blocks(), wait_for=["streams"])
    read = await ours.call("streams.receive", {"action": "blocks.read", "params": {"total": TOTAL}})
    assert (read["length"], read["sha256"]) == (TOTAL, sha256(pattern(TOTAL)).hexdigest())


async def test_theirs_read_our_objects(mesh: SharedMesh) -> None:
    ours = await mesh.ours(Blocks(), wait_for=["streams"])
    read = await ours.call("streams.receive", {"action": "blocks.rows", "params": {"count": 300}})
    assert read["objects"] == [{"number": number} for number in range(300)]


async def test_theirs_see_why_our_stream_broke(mesh: SharedMesh) -> None:
    ours = await mesh.ours(Blocks(), wait_for=["streams"])
    read = await ours.call("streams.receive", {"action": "blocks.break", "params": {}})
    assert read["error"] == {"name": "MoleculerClientError", "message": "the disk is full", "code": 409}


async def test_theirs_take_our_bytes(mesh: SharedMesh) -> None:
    ours = await mesh.ours(wait_for=["streams"])
    sent = pattern(TOTAL)
    kept = await ours.call("streams.upload", {}, stream=in_chunks(sent), meta={"name": "notes"})
    assert (kept["length"], kept["sha256"]) == (TOTAL, sha256(sent).hexdigest())
    assert kept["meta"]["name"] == "notes"


async def test_theirs_take_our_objects(mesh: SharedMesh) -> None:
    async def numbered() -> AsyncIterator[dict[str, int]]:
        for number in range(300):
            yield {"number": number}

    ours = await mesh.ours(wait_for=["streams"])
    kept = await ours.call("streams.upload", {}, stream=numbered())
    assert kept["objects"] == [{"number": number} for number in range(300)]


async def test_theirs_see_why_the_stream_that_we_send_broke(mesh: SharedMesh) -> None:
    async def breaking() -> AsyncIterator[bytes]:
        yield b"first"
        raise NotFound("the rest is missing")

    ours = await mesh.ours(wait_for=["streams"])
    kept = await ours.call("streams.upload", {}, stream=breaking())
    assert kept["error"] == {"name": "MoleculerClientError", "message": "the rest is missing", "code": 404}


async def test_we_take_bytes_of_theirs(mesh: SharedMesh) -> None:
    ours = await mesh.ours(Blocks(), wait_for=["streams"])
    kept = await ours.call("streams.send", {"action": "blocks.keep", "params": {}, "total": TOTAL})
    assert (kept["length"], kept["sha256"]) == (TOTAL, sha256(pattern(TOTAL)).hexdigest())


async def test_we_take_objects_of_theirs(mesh: SharedMesh) -> None:
    ours = await mesh.ours(Blocks(), wait_for=["streams"])
    kept = await ours.call("streams.send", {"action": "blocks.keep", "params": {}, "count": 300})
    assert kept["objects"] == [{"number": number} for number in range(300)]
    assert not [name for name in kept["meta"] if name.startswith("$stream")]


async def test_a_chunk_of_any_bytes_fits_into_what_the_server_takes(small_server: SharedMesh) -> None:
    """On a server with NATS' default of 1 MiB, where a larger message costs the connection."""
    await small_server.theirs("theirs", "streams")
    ours = await small_server.ours(wait_for=["streams"])
    sent = bytes([BIG]) * 4_000_000
    kept = await ours.call("streams.upload", {}, stream=in_chunks(sent, 4_000_000))
    assert (kept["length"], kept["sha256"]) == (len(sent), sha256(sent).hexdigest())


async def test_a_stream_breaks_when_their_node_is_gone(fresh_mesh: SharedMesh) -> None:
    theirs = await fresh_mesh.theirs("theirs", "streams")
    ours = await fresh_mesh.ours(wait_for=["streams"])
    chunks = await ours.call("streams.stuck", {})
    assert await anext(chunks) == b"first"
    await theirs.stop()
    with pytest.raises(Unavailable, match="theirs left"):
        await anext(chunks)
