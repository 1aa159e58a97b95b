from __future__ import annotations

from random import Random

import pytest

from broker.nats.credentials import Token, UserAndPassword
from broker.nats.servers import Servers, parse_server
from schema.errors import Invalid

OWN, FAR = "nats://own:4222", "nats://far:4222"


def names(servers: Servers, last: str | None = None) -> list[str]:
    return [str(server) for server in servers.nearest_first(parse_server(last) if last else None)]


def test_reads_host_port_and_who_to_be() -> None:
    assert parse_server("nats://hub").port == 4222
    assert parse_server("tls://hub:1").tls
    assert str(parse_server("nats://[::1]:7")) == "[::1]:7"
    assert parse_server("nats://a:b%40@hub").credentials == UserAndPassword("a", "b@")
    assert parse_server("nats://t@hub").credentials == Token("t")


@pytest.mark.parametrize("url", ["http://hub", "nats://", "nats://hub:port", "nats://hub:99999", "nats://[::1"])
def test_refuses_what_is_no_nats_url(url: str) -> None:
    with pytest.raises(Invalid):
        parse_server(url)


def test_never_prints_a_password() -> None:
    assert "secret" not in repr(parse_server("nats://a:secret@hub"))
    with pytest.raises(Invalid) as refused:
        parse_server("http://a:secret@hub")
    assert "secret" not in str(refused.value)


def test_tries_the_own_region_first() -> None:
    servers = Servers([OWN, FAR], 1, Random(1))
    assert all(names(servers) == ["own:4222", "far:4222"] for _ in range(20))


def test_tries_the_one_just_lost_last() -> None:
    assert names(Servers([OWN, FAR], 1, Random(1)), last=OWN) == ["far:4222", "own:4222"]


def test_counts_what_a_server_tells_of_to_its_own_region() -> None:
    servers = Servers([OWN, FAR], 1, Random(1))
    servers.tell(parse_server(OWN), ["own2:4222", "own:4222"])
    assert set(names(servers)[:2]) == {"own:4222", "own2:4222"}
    assert [str(server) for server in servers.home()] != ["far:4222"]


def test_forgets_servers_that_left_their_cluster() -> None:
    servers = Servers([OWN, FAR], 1, Random(1))
    servers.tell(parse_server(OWN), ["own:4222", "own2:4222", "own3:4222"])
    servers.tell(parse_server("nats://own2:4222"), ["own:4222", "own2:4222"])
    assert set(names(servers)) == {"own:4222", "own2:4222", "far:4222"}


def test_asks_a_told_address_for_the_certificate_of_the_name_that_told() -> None:
    servers = Servers(["tls://hub.example:4222"], 1, Random(1))
    (teller,) = servers.nearest_first()
    servers.tell(teller, ["10.0.0.2:4222", "other.example:4222"])
    certified = {server.host: server.certified_name for server in servers.nearest_first()}
    assert certified["10.0.0.2"] == "hub.example"
    assert certified["other.example"] == "other.example"


def test_passes_over_told_servers_that_are_none() -> None:
    servers = Servers([OWN], 1, Random(1))
    servers.tell(parse_server(OWN), ["", "x:y", "own2:4222"])
    assert set(names(servers)) == {"own:4222", "own2:4222"}


def test_needs_a_server() -> None:
    with pytest.raises(Invalid):
        Servers([], 1, Random(1))
