"""Streams packet by packet, as a foreign node sends and sees them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from broker import Broker, BrokerConfig, Context, Service, action
from broker.streams.chunks import CHUNK_BYTES_MAX
from broker.streams.inflow import CHECK_SECONDS, UNREAD_BYTES_MAX, WINDOW_BYTES
from broker.testing import FakeClock, MemoryNetwork, settled
from broker.wire.topics import Kind
from schema.action import Action, Nothing
from schema.errors import MeshError, NotFound, TimedOut, TooMany
from schema.stream import Stream
from tests.broker.discovery.test_foreign_nodes import Foreign

READ = Action("files.read", Nothing, Stream[bytes], safe=True)
KEEP = Action("files.keep", Nothing, int, safe=False)
SMALL_PAYLOAD_BYTES = 4_096


class Files(Service):
    name = "files"

    def __init__(self) -> None:
        self.kept: list[Any] = []
        self.failure: MeshError | None = None
        self.reading = asyncio.Event()
        self.reading.set()

    @action(READ)
    async def read(self, context: Context, request: Nothing) -> Stream[bytes]:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"\xff" * 5_000

        return Stream(chunks())

    @action(KEEP)
    async def keep(self, context: Context, request: Nothing) -> int:
        await self.reading.wait()
        try:
            async for chunk in context.stream:
                self.kept.append(chunk)
        except MeshError as error:
            self.failure = error
            raise
        return len(self.kept)


class Mesh:
    def __init__(self, version: str = "5", max_payload_bytes: int = 8 * 1024 * 1024) -> None:
        self.clock = FakeClock()
        self.network = MemoryNetwork(max_payload_bytes)
        self.foreign = Foreign(self.network, version)
        self.files = Files()
        config = BrokerConfig(region="west", node="ours", heartbeat_timeout_seconds=3600, protocol=version)
        self.ours = Broker(config, self.network.transport(), clock=self.clock)
        self.ours.add(self.files)

    async def __aenter__(self) -> Mesh:
        await self.foreign.join()
        await self.ours.start()
        services = [{"name": "theirs", "actions": {"theirs.read": {"name": "theirs.read"}}, "events": {}}]
        await self.foreign.tell(Kind.INFO, None, services=services, instanceID="i", seq=1)
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self.ours.stop()

    async def send(self, seq: int, params: Any, **fields: Any) -> None:
        """A part of the stream that goes along with a request."""
        part = {"id": "1", "action": KEEP.name, "params": params, "stream": True, "seq": seq}
        await self.foreign.tell(Kind.REQUEST, "ours", **part | fields)

    def answers(self) -> list[dict[str, Any]]:
        return [packet for kind, packet in self.foreign.heard if kind is Kind.RESPONSE]


async def test_takes_parts_that_overtake_each_other_even_the_first() -> None:
    async with Mesh() as mesh:
        await mesh.send(2, {"type": "Buffer", "data": [2]})
        await mesh.send(3, None, stream=False)
        await mesh.send(0, None)
        await mesh.send(1, {"type": "Buffer", "data": [1]})
        assert mesh.files.kept == [b"\x01", b"\x02"]
        assert mesh.answers()[-1]["data"] == 2


async def test_takes_texts_for_bytes_unless_it_is_told_that_they_are_objects() -> None:
    async with Mesh() as mesh:
        await mesh.send(0, None)
        await mesh.send(1, "text")
        await mesh.send(2, None, stream=False)
        assert mesh.files.kept == [b"text"]


@pytest.mark.parametrize(("version", "place"), [("5", "headers"), ("4", "meta")])
async def test_reads_the_flags_where_each_protocol_keeps_them(version: str, place: str) -> None:
    async with Mesh(version) as mesh:
        await mesh.send(0, None, **{place: {"$streamObjectMode": True}})
        await mesh.send(1, "text", **{place: {"$streamObjectMode": True}})
        error = {"name": "MoleculerClientError", "code": 404, "message": "gone"}
        await mesh.send(2, None, stream=False, **{place: {"$streamError": error}})
        assert mesh.files.kept == ["text"]
        assert isinstance(mesh.files.failure, NotFound)


@pytest.mark.parametrize(("version", "place"), [("5", "headers"), ("4", "meta")])
async def test_writes_the_flags_where_each_protocol_keeps_them(version: str, place: str) -> None:
    async def objects() -> AsyncIterator[Any]:
        yield {"number": 1}

    async with Mesh(version) as mesh:
        call = asyncio.ensure_future(mesh.ours.call("theirs.read", {"a": 1}, stream=objects()))
        await settled()
        opening, part, end = [packet for kind, packet in mesh.foreign.heard if kind is Kind.REQUEST]
        assert (opening["seq"], opening["stream"], opening["params"]) == (0, True, {"a": 1})
        assert (part["seq"], part["stream"], part["params"]) == (1, True, {"number": 1})
        assert (end["seq"], end["stream"], end["params"]) == (2, False, None)
        assert all(packet[place]["$streamObjectMode"] is True for packet in (opening, part, end))
        await mesh.foreign.tell(Kind.RESPONSE, "ours", id=opening["id"], success=True, data="done")
        assert await call == "done"


async def test_cuts_chunks_by_their_size_as_written() -> None:
    async with Mesh(max_payload_bytes=SMALL_PAYLOAD_BYTES) as mesh:
        await mesh.foreign.tell(Kind.REQUEST, "ours", id="1", action=READ.name, params={}, timeout=1_000)
        opening, *parts, end = mesh.answers()
        assert (opening["seq"], opening["stream"], opening["data"]) == (0, True, None)
        assert [part["seq"] for part in parts] == list(range(1, len(parts) + 1))
        assert sum(len(part["data"]["data"]) for part in parts) == 5_000
        assert all(SMALL_PAYLOAD_BYTES // 2 < len(orjson.dumps(part)) <= SMALL_PAYLOAD_BYTES for part in parts[:-1])
        assert (end["stream"], end["success"], end["data"]) == (False, True, None)


async def test_a_part_that_never_comes_breaks_the_stream() -> None:
    async with Mesh() as mesh:
        await mesh.send(0, None, timeout=60_000)
        await mesh.send(2, "late")
        await mesh.clock.advance(2 * CHECK_SECONDS)
        assert isinstance(mesh.files.failure, TimedOut)
        assert mesh.answers()[-1]["error"]["code"] == 504


async def test_parts_without_their_beginning_are_forgotten() -> None:
    async with Mesh() as mesh:
        for number in range(200):
            await mesh.foreign.tell(
                Kind.REQUEST, "ours", id=f"early-{number}", action=KEEP.name, params="x", stream=True, seq=1
            )
        await mesh.clock.advance(2 * CHECK_SECONDS)
        await mesh.send(0, None)
        await mesh.send(1, None, stream=False)
        assert mesh.answers()[-1]["data"] == 0


async def test_refuses_one_stream_too_many_and_not_those_before() -> None:
    async with Mesh() as mesh:
        mesh.files.reading.clear()
        for number in range(65):
            await mesh.foreign.tell(
                Kind.REQUEST, "ours", id=f"{number}", action=KEEP.name, stream=True, seq=0, timeout=60_000
            )
        assert [answer["error"]["code"] for answer in mesh.answers()] == [429]
        assert mesh.answers()[0]["id"] == "64"


async def test_foreign_senders_cannot_fill_the_memory_of_a_slow_reader() -> None:
    async with Mesh() as mesh:
        mesh.files.reading.clear()
        await mesh.send(0, None, timeout=60_000)
        chunk = "x" * 1024 * 1024
        for seq in range(1, UNREAD_BYTES_MAX // len(chunk) + 2):
            await mesh.send(seq, chunk)
        mesh.files.reading.set()
        await settled()
        assert isinstance(mesh.files.failure, TooMany)
        assert mesh.files.kept == []
        await mesh.send(0, None, id="2")
        await mesh.send(1, "there is room again", id="2")
        await mesh.send(2, None, id="2", stream=False)
        assert mesh.files.kept == [b"there is room again"]


async def test_an_answer_by_a_stream_comes_to_the_call_that_waits_for_it() -> None:
    async with Mesh() as mesh:
        call = asyncio.ensure_future(mesh.ours.call("theirs.read", {}))
        await settled()
        request = mesh.foreign.last(Kind.REQUEST)

        async def answer(seq: int, data: Any, *, stream: bool = True, **fields: Any) -> None:
            await mesh.foreign.tell(
                Kind.RESPONSE, "ours", id=request["id"], success=True, data=data, stream=stream, seq=seq, **fields
            )

        await answer(1, {"type": "Buffer", "data": [104, 105]})
        await answer(0, None, meta={"length": 2})
        chunks = await call
        assert await anext(chunks) == b"hi"
        await answer(2, {"type": "Buffer", "data": [999]})
        with pytest.raises(MeshError, match="something else than bytes"):
            await anext(chunks)
        await answer(3, None, stream=False)
        assert b"localgroup_late_answers_total 1.0" in mesh.ours.metrics.exposition()


async def test_parts_of_an_answer_that_nobody_waits_for_are_counted_and_dropped() -> None:
    async with Mesh() as mesh:
        for seq in range(3):
            await mesh.foreign.tell(Kind.RESPONSE, "ours", id="unknown", success=True, stream=True, seq=seq)
        assert b"localgroup_late_answers_total 3.0" in mesh.ours.metrics.exposition()


async def test_a_foreign_node_is_told_nothing_that_it_does_not_know() -> None:
    async with Mesh() as mesh:
        await mesh.send(0, None)
        for seq in range(1, 100):
            await mesh.send(seq, "x" * 10_000)
        await mesh.send(100, None, stream=False)
        assert mesh.answers()[-1]["data"] == 99
        assert Kind.STREAM not in {kind for kind, _ in mesh.foreign.heard}


async def test_sends_on_when_a_foreign_node_has_taken_what_came_before() -> None:
    """It answers a PING only then."""

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * CHUNK_BYTES_MAX

    async with Mesh() as mesh:
        call = asyncio.ensure_future(mesh.ours.call("theirs.read", {}, stream=endless(), deadline_seconds=60))
        await settled()
        sent = [packet for kind, packet in mesh.foreign.heard if kind is Kind.REQUEST]
        assert sent[-1]["seq"] == WINDOW_BYTES // CHUNK_BYTES_MAX
        first_ping = next(packet for kind, packet in mesh.foreign.heard if kind is Kind.PING and "." in packet["id"])
        await mesh.foreign.tell(Kind.PONG, "ours", id=first_ping["id"], time=0, arrived=0)
        await settled()
        sent = [packet for kind, packet in mesh.foreign.heard if kind is Kind.REQUEST]
        assert sent[-1]["seq"] == (WINDOW_BYTES + WINDOW_BYTES // 4) // CHUNK_BYTES_MAX
        await mesh.foreign.tell(Kind.RESPONSE, "ours", id=sent[0]["id"], success=True, data="enough")
        assert await call == "enough"


@pytest.mark.parametrize("ping", ["", ".", "1.", ".1", "x.y", "a.-1", "a.٣", f"a.{'9' * 500}"])
async def test_takes_any_pong(ping: str) -> None:
    async with Mesh() as mesh:
        await mesh.foreign.tell(Kind.PONG, "ours", id=ping, time=0, arrived=0)
        assert await mesh.ours.call("files.keep", {}) == 0
