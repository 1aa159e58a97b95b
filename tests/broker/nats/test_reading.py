"""How a connection hands over what comes in faster than it is dealt with."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from itertools import pairwise
from pathlib import Path

import pytest

from broker.clock import SystemClock
from broker.nats.client import NatsClient
from broker.nats.connection import READ_AT_ONCE_BYTES, UNREAD_BYTES_MAX, Connection
from broker.nats.faults import Faults
from broker.nats.lines import END
from broker.nats.servers import Server
from broker.nats.settings import NatsSettings
from tests.broker.hubs import Hub, client, hub
from tests.waiting import eventually


class Wire(asyncio.Transport):
    """Takes what is written, and counts how often reading was paused and resumed."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []
        self._closing = False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def write(self, data: bytes | bytearray | memoryview) -> None:
        pass

    def pause_reading(self) -> None:
        self.calls.append("pause")

    def resume_reading(self) -> None:
        self.calls.append("resume")

    def is_closing(self) -> bool:
        return self._closing

    def abort(self) -> None:
        self._closing = True


class Reading:
    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.wire = Wire()
        settings = NatsSettings(("nats://127.0.0.1:4222",))
        server = Server("127.0.0.1", 4222)
        self.connection = Connection(server, settings, SystemClock(), Faults(), self._hear)
        self.connection.connection_made(self.wire)

    def _hear(self, sid: int, subject: str, reply: str, header: bytes, payload: bytes) -> None:
        self.heard.append(payload)


def message(payload: bytes) -> bytes:
    return b"MSG a 1 %d\r\n%b%b" % (len(payload), payload, END)


def numbered(number: int) -> list[bytes]:
    return [b"%06d" % each for each in range(number)]


async def test_lets_other_work_in_between_the_pieces_of_much_that_came_at_once() -> None:
    reading, payloads = Reading(), numbered(20_000)
    reading.connection.data_received(b"".join(map(message, payloads)))
    heard_by_turn = [0]
    while len(reading.heard) < len(payloads):
        heard_by_turn.append(len(reading.heard))
        await asyncio.sleep(0)
    most = max(after - before for before, after in pairwise(heard_by_turn))
    assert most <= READ_AT_ONCE_BYTES // len(message(payloads[0])) + 1
    assert reading.heard == payloads


async def test_keeps_the_order_when_more_comes_before_all_was_handed_over() -> None:
    reading, payloads = Reading(), numbered(6_000)
    stream = b"".join(map(message, payloads))
    for start in range(0, len(stream), 40_001):
        reading.connection.data_received(stream[start : start + 40_001])
        await asyncio.sleep(0)
    await eventually(lambda: len(reading.heard) == len(payloads))
    assert reading.heard == payloads


async def test_lets_the_server_wait_while_too_much_is_unread() -> None:
    reading = Reading()
    reading.connection.data_received(b"".join(map(message, [bytes(1_000)] * (2 * UNREAD_BYTES_MAX // 1_000))))
    assert reading.wire.calls == ["pause"]
    await eventually(lambda: reading.wire.calls == ["pause", "resume"])
    assert len(reading.heard) == 2 * UNREAD_BYTES_MAX // 1_000


async def test_hands_over_what_had_come_before_the_connection_was_lost() -> None:
    reading, payloads = Reading(), numbered(5_000)
    reading.connection.data_received(b"".join(map(message, payloads)))
    reading.connection.connection_lost(None)
    assert reading.heard == payloads
    await asyncio.sleep(0)
    assert len(reading.heard) == len(payloads)


async def test_drops_what_follows_a_breach_of_the_protocol() -> None:
    reading = Reading()
    stream = message(b"fine") + b"nonsense\r\n" + b"".join(map(message, numbered(5_000)))
    reading.connection.data_received(stream)
    await asyncio.sleep(0)
    reading.connection.connection_lost(None)
    assert reading.heard == [b"fine"]


@pytest.mark.parametrize("size_bytes", [100, 20_000, 900_000])
async def test_carries_small_messages_behind_large_ones(tmp_path: Path, size_bytes: int) -> None:
    async with hub(tmp_path) as running, _patient(running) as sender, _patient(running) as receiver:
        heard: list[int] = []
        await receiver.subscribe("mixed", lambda delivery: heard.append(len(delivery.payload)))
        await receiver.flush()
        for _ in range(20):
            await sender.publish("mixed", bytes(size_bytes))
            await sender.publish("mixed", b"1")
        await eventually(lambda: len(heard) == 40)
        assert heard == [size_bytes, 1] * 20


def _patient(hub: Hub) -> AbstractAsyncContextManager[NatsClient]:
    """On a busy machine so many bytes take longer than the pings of other tests."""
    return client(hub.url, ping_seconds=5.0)
