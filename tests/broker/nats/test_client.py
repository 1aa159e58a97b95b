"""What the lean client promises while its server is well, and when it dies, freezes, restarts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from broker.clock import SystemClock
from broker.nats.client import NatsClient
from broker.nats.dial import Dialer
from broker.nats.faults import Fault, Faults
from broker.nats.servers import Servers
from broker.nats.settings import NatsSettings
from broker.refusals import NotSent
from broker.transport import Delivery, Listener
from schema.errors import Invalid, Unavailable
from tests.broker.hubs import HOST, QUICK, Events, Hub, client, hub
from tests.servers import free_port
from tests.waiting import eventually

SECOND = "127.77.62.1"


@pytest.fixture(scope="module")
async def url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    async with hub(tmp_path_factory.mktemp("hub"), "max_payload: 4194304") as running:
        yield running.url


# --- a server that is well ----------------------------------------------------------------------------------


async def test_delivers_what_is_published_in_order(url: str) -> None:
    async with client(url) as sender, client(url) as receiver:
        heard: list[Delivery] = []
        await receiver.subscribe("numbers.*", heard.append)
        await receiver.flush()
        for number in range(1000):
            await sender.publish(f"numbers.{number % 7}", b"%d" % number)
        await eventually(lambda: len(heard) == 1000)
        assert [int(delivery.payload) for delivery in heard] == list(range(1000))
        assert heard[8].subject == "numbers.1"


@pytest.mark.parametrize("size_bytes", [0, 1, 70_000, 4_194_304])
async def test_carries_payloads_of_any_size_that_the_server_takes(url: str, size_bytes: int) -> None:
    async with client(url) as both:
        heard: list[Delivery] = []
        await both.subscribe("sizes", heard.append)
        await both.publish("sizes", bytes(size_bytes))
        await eventually(lambda: heard)
        assert heard[0].payload == bytes(size_bytes)


async def test_refuses_a_payload_that_the_server_would_not_take(url: str) -> None:
    async with client(url) as both:
        with pytest.raises(Invalid, match="4194305 bytes"):
            await both.publish("sizes", bytes(4_194_305))
        await both.flush()


@pytest.mark.parametrize("subject", ["", "a b", "a\r\nPUB b 0", "a\t"])
async def test_takes_no_subject_that_could_be_read_as_a_command(url: str, subject: str) -> None:
    async with client(url) as both:
        with pytest.raises(Invalid):
            await both.publish(subject, b"")
        with pytest.raises(Invalid):
            await both.publish("fine", b"", subject or " ")
        with pytest.raises(Invalid):
            await both.subscribe(subject, lambda delivery: None)
        await both.flush()


async def test_tells_the_publisher_that_nobody_listens(url: str) -> None:
    async with client(url) as both:
        heard: list[Delivery] = []
        await both.subscribe("replies.*", heard.append)
        await both.publish("nobody", b"?", "replies.1")
        await eventually(lambda: heard)
        assert [(each.subject, each.payload, each.unheard) for each in heard] == [("replies.1", b"", True)]


async def test_carries_reply_subjects_and_headers(url: str) -> None:
    async with client(url) as both:
        heard: list[tuple[str, str, bytes, bytes]] = []
        both.listen("asked", lambda *message: heard.append(message))
        await both.publish("asked", b"?", "answer.here", {"Load": "3"})
        await eventually(lambda: heard)
        assert heard == [("asked", "answer.here", b"NATS/1.0\r\nLoad: 3\r\n\r\n", b"?")]


async def test_gives_each_message_to_one_of_a_queue_group(url: str) -> None:
    async with client(url) as sender, client(url) as one, client(url) as other:
        heard: list[Delivery] = []
        for member in (one, other):
            await member.subscribe("work", heard.append, queue="workers")
            await member.flush()
        for number in range(200):
            await sender.publish("work", b"%d" % number)
        await eventually(lambda: len(heard) >= 200)
        await one.flush()
        await other.flush()
        assert sorted(int(delivery.payload) for delivery in heard) == list(range(200))


async def test_hears_nothing_more_of_what_it_no_longer_listens_to(url: str) -> None:
    async with client(url) as both:
        heard: list[Any] = []
        number = both.listen("ended", lambda *message: heard.append(message))
        both.unlisten(number)
        await both.publish("ended", b"")
        await both.flush()
        assert heard == []


async def test_can_leave_out_its_own_echo(url: str) -> None:
    async with client(url, echo=False) as both, client(url) as other:
        own: list[Delivery] = []
        others: list[Delivery] = []
        await both.subscribe("said", own.append)
        await other.subscribe("said", others.append)
        await other.flush()
        await both.publish("said", b"")
        await eventually(lambda: others)
        await both.flush()
        assert own == []


async def test_a_receiver_that_fails_is_counted_and_stops_nobody(url: str) -> None:
    async with client(url) as both:
        heard: list[Delivery] = []

        def fail(delivery: Delivery) -> None:
            raise RuntimeError("a defect")

        await both.subscribe("fails", fail)
        await both.subscribe("fails", heard.append)
        await both.publish("fails", b"")
        await eventually(lambda: heard)
        await both.flush()
        assert both.faults.counts[Fault.RECEIVER] == 1
        assert both.connected


async def test_a_strangers_subject_that_is_no_utf8_ends_nothing(url: str) -> None:
    async with client(url) as both:
        heard: list[Delivery] = []
        await both.subscribe("rude.>", heard.append)
        await both.flush()
        _, writer = await asyncio.open_connection(HOST, int(url.rpartition(":")[2]))
        writer.write(b'CONNECT {"verbose":false}\r\nPUB rude.\xff\xfe 2\r\nhi\r\n')
        await eventually(lambda: heard)
        writer.close()
        await writer.wait_closed()
        assert both.connected


async def test_sends_what_was_published_before_it_closes(url: str) -> None:
    async with client(url) as receiver:
        heard: list[Delivery] = []
        await receiver.subscribe("last.words", heard.append)
        await receiver.flush()
        async with client(url) as sender:
            for _ in range(100):
                await sender.publish("last.words", bytes(10_000))
        await eventually(lambda: len(heard) == 100)


async def test_refuses_to_publish_once_closed(url: str) -> None:
    async with client(url) as both:
        pass
    assert not both.connected
    with pytest.raises(NotSent):
        await both.publish("late", b"")
    with pytest.raises(NotSent):
        await both.flush()


# --- a server that is not -----------------------------------------------------------------------------------


async def test_listens_again_after_the_server_was_killed_and_restarted(tmp_path: Path) -> None:
    events, heard = Events(), list[Delivery]()
    async with hub(tmp_path) as only, client(only.url, listener=events.listener()) as both:
        await both.subscribe("again", heard.append)
        await only.kill()
        await eventually(lambda: events == ["disconnected"])
        assert not both.connected
        await only.start()
        await eventually(lambda: events == ["disconnected", "reconnected"])
        await both.publish("again", b"hello")
        await eventually(lambda: heard)


async def test_says_at_once_that_it_cannot_publish_while_disconnected(tmp_path: Path) -> None:
    async with hub(tmp_path) as only, client(only.url) as both:
        await only.kill()
        await eventually(lambda: not both.connected)
        for _ in range(100):
            with pytest.raises(NotSent):
                await both.publish("lost", b"")


async def test_remembers_what_is_subscribed_to_while_disconnected(tmp_path: Path) -> None:
    heard: list[Delivery] = []
    async with hub(tmp_path) as only, client(only.url) as both:
        await only.kill()
        await eventually(lambda: not both.connected)
        await both.subscribe("meanwhile", heard.append)
        await only.start()
        await eventually(lambda: both.connected)
        await both.publish("meanwhile", b"")
        await eventually(lambda: heard)


async def test_waits_for_a_server_that_starts_later(tmp_path: Path) -> None:
    only = Hub(tmp_path)
    both = NatsClient(NatsSettings((only.url,), **QUICK))
    connecting = asyncio.create_task(both.connect("early", Listener()))
    try:
        await only.start()
        await connecting
        assert both.connected
    finally:
        await both.close()
        await only.kill()


async def test_goes_to_the_second_server_when_the_first_dies(tmp_path: Path) -> None:
    events = Events()
    async with (
        hub(tmp_path) as first,
        hub(tmp_path) as second,
        client(first.url, second.url, home_urls=2, listener=events.listener()) as both,
    ):
        in_use, other = (first, second) if str(first.port) in both.server else (second, first)
        await in_use.kill()
        await eventually(lambda: events == ["disconnected", "reconnected"])
        assert str(other.port) in both.server


async def test_gives_a_frozen_server_up_and_goes_to_another(tmp_path: Path) -> None:
    events = Events()
    async with (
        hub(tmp_path) as own,
        hub(tmp_path) as far,
        client(own.url, far.url, listener=events.listener(), go_home_seconds=60) as both,
    ):
        own.freeze()
        await eventually(lambda: "reconnected" in events, deadline_seconds=5)
        assert str(far.port) in both.server


async def test_gives_up_on_a_server_that_accepts_and_says_nothing() -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with _fake(say_nothing) as url:
        with pytest.raises(Unavailable):
            await _dial(url, connect_seconds=0.1)


async def test_does_not_take_a_web_server_for_a_hub() -> None:
    async def answer_as_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with _fake(answer_as_http) as url:
        with pytest.raises(Unavailable):
            await _dial(url)


async def test_closes_while_it_is_still_trying_to_connect() -> None:
    both = NatsClient(NatsSettings((f"nats://{SECOND}:{free_port(SECOND)}",), **QUICK))
    connecting = asyncio.create_task(both.connect("hopeless", Listener()))
    await asyncio.sleep(0)
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting
    await both.close()


# --- a server that does not keep up -------------------------------------------------------------------------

CONGESTING: dict[str, Any] = {"ping_seconds": 60, "write_buffer_bytes": 65_536}
PIECE = bytes(65_536)
PIECES_MAX = 2_000
"""More than the kernel's buffers hold."""


async def test_refuses_to_queue_without_bound_for_a_server_that_does_not_read(tmp_path: Path) -> None:
    async with hub(tmp_path) as only, client(only.url, **CONGESTING, congestion_seconds=0.05) as both:
        only.freeze()
        assert await publish_until_refused(both) < PIECES_MAX
        only.thaw()
        await both.flush()


async def test_loses_nothing_of_what_it_accepted_for_a_server_that_reads_later(tmp_path: Path) -> None:
    async with hub(tmp_path) as only, client(only.url, **CONGESTING, congestion_seconds=0.05) as both:
        heard: list[int] = []
        async with client(only.url, ping_seconds=60) as receiver:
            await receiver.subscribe("flood", lambda delivery: heard.append(len(delivery.payload)))
            await receiver.flush()
            only.freeze()
            accepted = await publish_until_refused(both)
            only.thaw()
            await eventually(lambda: len(heard) == accepted)


async def test_a_publisher_waits_for_a_server_that_reads_on_in_time(tmp_path: Path) -> None:
    async with hub(tmp_path) as only, client(only.url, **CONGESTING, congestion_seconds=30) as both:
        only.freeze()
        waiting = asyncio.create_task(publish_until_refused(both))
        await eventually(lambda: both._waiting)
        only.thaw()
        assert await waiting == PIECES_MAX


async def test_lets_only_so_many_publishers_wait(tmp_path: Path) -> None:
    settings = CONGESTING | {"congestion_seconds": 30, "congested_publishers_max": 2}
    async with hub(tmp_path) as only, client(only.url, **settings) as both:
        only.freeze()
        waiting = [asyncio.create_task(publish_until_refused(both)) for _ in range(3)]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        assert sum(task.done() for task in waiting) == 1
        only.thaw()
        await asyncio.gather(*waiting)


async def publish_until_refused(both: NatsClient) -> int:
    for number in range(PIECES_MAX):
        try:
            await both.publish("flood", PIECE)
        except NotSent:
            return number
    return PIECES_MAX


async def _dial(url: str, **settings: Any) -> None:
    servers = Servers([url], 1, Random(1))
    how = NatsSettings((url,), **(QUICK | settings))
    await Dialer(how, servers, SystemClock(), Random(1), Faults(), lambda *message: None).first_of(servers.home())


@asynccontextmanager
async def _fake(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any],
) -> AsyncIterator[str]:
    port = free_port(SECOND)
    server = await asyncio.start_server(serve, SECOND, port)
    async with server:
        yield f"nats://{SECOND}:{port}"
