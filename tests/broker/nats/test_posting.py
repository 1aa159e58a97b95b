"""Publishing without waiting, where a transport can."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from broker.nats.client import NatsClient
from broker.nats.settings import NatsSettings
from broker.testing import MemoryNetwork
from broker.transport import Delivery, post_of
from tests.broker.hubs import Hub, client, hub
from tests.waiting import eventually


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Hub]:
    async with hub(tmp_path) as started:
        yield started


async def test_posts_in_order_with_what_is_published(running: Hub) -> None:
    async with client(running.url) as both:
        heard: list[Delivery] = []
        await both.subscribe("numbers", heard.append)
        for number in range(0, 100, 2):
            assert both.post("numbers", b"%d" % number)
            await both.publish("numbers", b"%d" % (number + 1))
        await eventually(lambda: len(heard) == 100)
        assert [int(delivery.payload) for delivery in heard] == list(range(100))


async def test_the_poster_is_told_that_nobody_listens(running: Hub) -> None:
    async with client(running.url) as both:
        heard: list[Delivery] = []
        await both.subscribe("replies.*", heard.append)
        assert both.post("nobody", b"", "replies.1")
        await eventually(lambda: heard)
        assert (heard[0].subject, heard[0].unheard) == ("replies.1", True)


async def test_does_not_post_what_the_server_would_not_take(running: Hub) -> None:
    async with client(running.url) as both:
        assert not both.post("numbers", bytes(both.max_payload_bytes + 1))
        await both.flush()


async def test_does_not_post_without_a_connection(running: Hub) -> None:
    assert not NatsClient(NatsSettings((running.url,))).post("numbers", b"1")
    async with client(running.url) as both:
        await running.kill()
        await eventually(lambda: not both.connected)
        assert not both.post("numbers", b"1")


def test_says_of_a_transport_that_cannot_post_that_it_did_not() -> None:
    assert not post_of(MemoryNetwork().transport())("numbers", b"1", "", {})
