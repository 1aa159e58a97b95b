"""What a gateway learns of the ways to its clients."""

from __future__ import annotations

import ipaddress
import socket

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from andromeda.config import Limits
from andromeda.doors import Doors
from andromeda.metrics import EdgeMetrics
from andromeda.round_trips import MEMORY_SECONDS, RoundTripBook, network_of, of_connection
from andromeda.server import HttpServer
from broker import Metrics
from broker.testing import FakeClock
from tests.andromeda.region import ADDRESS


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def book(clock: FakeClock) -> RoundTripBook:
    return RoundTripBook(clock.now, kept=100)


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("192.0.2.77", "192.0.2.0"),
        ("2001:db8:1:2::3", "2001:db8:1::"),
        ("::ffff:192.0.2.77", "192.0.2.0"),
        ("fe80::1%eth0", "fe80::"),
        ("somewhere", None),
        ("", None),
    ],
)
def test_a_client_belongs_to_a_network(host: str, network: str | None) -> None:
    assert network_of(host) == network


@given(st.ip_addresses())
def test_networks_are_written_as_everybody_writes_them(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    found = network_of(str(address))

    assert found is not None
    assert found == str(ipaddress.ip_address(found))


def test_tells_one_of_the_shortest_of_the_latest(book: RoundTripBook) -> None:
    for milliseconds in (1, *range(60, 20, -1)):  # the first is forgotten by now
        book.note("192.0.2.1", milliseconds / 1_000)

    (told,) = book.report()
    assert (told.network, told.seconds, told.count) == ("192.0.2.0", 0.024, 32)


def test_keeps_the_networks_heard_of_last(book: RoundTripBook) -> None:
    for number in range(300):
        book.note(f"10.{number // 256}.{number % 256}.1", 0.01)

    assert len(book) == 100
    assert book.report()[0].network == "10.0.200.0"


def test_reports_tell_of_all_networks_in_turn(book: RoundTripBook) -> None:
    for number in range(100):
        book.note(f"10.0.{number}.1", 0.01)

    told = [each.network for _ in range(4) for each in book.report(at_most=30)]

    assert len(told) == 100
    assert len(set(told)) == 100
    assert book.report(at_most=30)[0].network == "10.0.0.0"


async def test_forgets_what_was_measured_long_ago(book: RoundTripBook, clock: FakeClock) -> None:
    book.note("192.0.2.1", 0.01)
    await clock.advance(MEMORY_SECONDS / 2)
    book.note("198.51.100.1", 0.01)
    await clock.advance(MEMORY_SECONDS / 2 + 1)

    assert [each.network for each in book.report()] == ["198.51.100.0"]


async def test_a_server_notes_who_connects_to_it(book: RoundTripBook) -> None:
    async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    server = HttpServer(ADDRESS, nothing, EdgeMetrics(Metrics().registry), Limits(), Doors(FakeClock()), book)
    await server.start()
    for _ in range(3):
        async with httpx.AsyncClient() as client:
            await client.get(f"http://{server.address}/")
    await server.stop()

    assert [(each.network, each.count) for each in book.report()] == [("127.0.0.0", 3)]


def test_the_kernel_tells_the_round_trip_of_a_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            seconds = of_connection(accepted)

    assert seconds is not None
    assert 0 < seconds < 1
