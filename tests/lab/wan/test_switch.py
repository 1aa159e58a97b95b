"""Packets between sites: where they go, when, and what is counted."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from lab.wan import packets
from lab.wan.answers import Answers
from lab.wan.link import LinkSettings
from lab.wan.sites import OneWay, Site
from lab.wan.switch import Switch

NETWORK = "10.79"
MILLISECOND_NS = 1_000_000
TCP, UDP, ICMP = 6, 17, 1


def site(name: str, number: int) -> Site:
    return Site(name=name, number=number, network=NETWORK, namespace=name)


SITES = (site("near", 1), site("middle", 2), site("far", 3))


def one_way(source: str, target: str, **settings: object) -> OneWay:
    return OneWay(source=source, target=target, settings=LinkSettings.model_validate(settings))


def packet(
    target: int, *, source: int = 1, protocol: int = TCP, ports: tuple[int, int] = (40_000, 4_222), options: bytes = b""
) -> bytes:
    header = bytearray(20) + options
    header[0] = 0x40 | (len(header) // 4)
    header[9] = protocol
    header[12:16] = bytes((10, 79, source, 1))
    header[16:20] = bytes((10, 79, target, 1))
    return bytes(header) + struct.pack("!HH", *ports) + b"payload"


def switch(*links: OneWay) -> Switch:
    return Switch(SITES, links, seed=1)


def received(found: Switch, now_ns: int) -> list[tuple[str, bytes]]:
    return list(found.arrivals(now_ns))


def test_a_packet_arrives_at_the_site_of_its_address_after_the_links_delay() -> None:
    wan = switch(one_way("near", "far", delay_ms=60))
    wan.send(1, packet(3), 0)

    assert wan.next_arrival_ns() == 60 * MILLISECOND_NS
    assert received(wan, 60 * MILLISECOND_NS - 1) == []
    assert received(wan, 60 * MILLISECOND_NS) == [("far", packet(3))]
    assert wan.next_arrival_ns() is None


def test_packets_of_all_links_come_out_in_the_order_of_their_arrival() -> None:
    wan = switch(one_way("near", "far", delay_ms=60), one_way("near", "middle", delay_ms=20))
    wan.send(1, packet(3), 0)
    wan.send(1, packet(2), 1)

    assert [name for name, _ in received(wan, 100 * MILLISECOND_NS)] == ["middle", "far"]


def test_each_direction_is_a_link_of_its_own() -> None:
    wan = switch(one_way("near", "far", delay_ms=60), one_way("far", "near", delay_ms=5))
    wan.send(3, packet(1, source=3), 0)

    assert wan.next_arrival_ns() == 5 * MILLISECOND_NS


def test_one_port_is_cut_and_the_others_are_not() -> None:
    wan = switch(one_way("near", "far", cut_ports=[7_222]))
    for ports in ((40_000, 7_222), (7_222, 40_000), (40_000, 4_222)):
        wan.send(1, packet(3, ports=ports), 0)

    assert received(wan, 0) == [("far", packet(3, ports=(40_000, 4_222)))]
    assert wan.road("near", "far").traffic.account().cut == 2


def test_what_is_for_nobody_is_dropped() -> None:
    wan = switch()
    for stray in (b"", b"\x60" + bytes(60), packet(9), packet(1)):
        wan.send(1, stray, 0)

    assert wan.next_arrival_ns() is None


@given(st.binary(max_size=80))
def test_no_bytes_break_it(stray: bytes) -> None:
    wan = switch(one_way("near", "far", cut_ports=[7_222]))
    wan.send(1, stray, 0)
    wan.send(1, packet(3)[:20] + stray, 0)

    assert len(received(wan, MILLISECOND_NS)) <= 2


@given(
    protocol=st.sampled_from([TCP, UDP]),
    ports=st.tuples(*[st.integers(min_value=1, max_value=65_535)] * 2),
    options=st.integers(min_value=0, max_value=10).map(lambda words: bytes(4 * words)),
)
def test_ports_are_found_behind_any_header(protocol: int, ports: tuple[int, int], options: bytes) -> None:
    assert packets.ports(packet(2, protocol=protocol, ports=ports, options=options)) == frozenset(ports)


def test_only_tcp_and_udp_have_ports_and_only_in_their_first_fragment() -> None:
    later = bytearray(packet(2))
    later[6:8] = struct.pack("!H", 100)

    assert packets.ports(packet(2, protocol=ICMP)) == frozenset()
    assert packets.ports(bytes(later)) == frozenset()


def test_the_account_tells_what_was_carried_and_how_late() -> None:
    wan = switch(one_way("near", "far", delay_ms=10))
    for _ in range(2):
        wan.send(1, packet(3), 0)
    received(wan, 12 * MILLISECOND_NS)

    found = wan.road("near", "far").traffic.account()

    assert (found.packets, found.bytes) == (2, 2 * len(packet(3)))
    assert (found.delay_ms, found.late_ms, found.late_worst_ms) == (12.0, 2.0, 2.0)
    assert wan.road("near", "far").link.under_way_bytes == 0


def test_losses_cuts_and_overflows_are_counted_apart() -> None:
    wan = switch(
        one_way("near", "middle", loss=1.0),
        one_way("near", "far", bandwidth_mbit=1, queue_kilobytes=2),
        one_way("far", "near", cut=True),
    )
    wan.send(1, packet(2), 0)
    wan.send(3, packet(1, source=3), 0)
    for _ in range(100):
        wan.send(1, packet(3), 0)

    assert wan.road("near", "middle").traffic.account().lost == 1
    assert wan.road("far", "near").traffic.account().cut == 1
    assert wan.road("near", "far").traffic.account().overflowed == 100 - 2_000 // len(packet(3))


class TestAnswers:
    def test_links_change_while_packets_are_under_way(self) -> None:
        wan = switch(one_way("near", "far", delay_ms=60, loss=0.0))
        wan.send(1, packet(3), 0)
        change = b'{"change": [{"source": "near", "target": "far", "settings": {"delay_ms": 90}}]}'

        assert Answers(wan).answer(change).problem is None

        wan.send(1, packet(3), 0)
        assert len(received(wan, 60 * MILLISECOND_NS)) == 1
        assert wan.next_arrival_ns() == 90 * MILLISECOND_NS

    def test_changes_are_made_all_or_none(self) -> None:
        wan = switch()
        wrong = (
            b'{"change": [{"source": "near", "target": "far", "settings": {"delay_ms": 9}},'
            b' {"source": "near", "target": "moon", "settings": {"delay_ms": 9}}]}'
        )

        assert "moon" in (Answers(wan).answer(wrong).problem or "")
        assert wan.road("near", "far").link.settings.delay_ms == 0

    @given(st.binary(max_size=200))
    def test_what_is_not_understood_changes_nothing(self, message: bytes) -> None:
        wan = switch()

        Answers(wan).answer(message)

        assert all(road.link.settings == LinkSettings() for road in wan.roads)

    def test_accounts_begin_anew_when_asked(self) -> None:
        wan = switch()
        wan.send(1, packet(3), 0)
        received(wan, 0)

        first = Answers(wan).answer(b'{"report": true, "begin": true}')
        second = Answers(wan).answer(b'{"report": true}')

        assert [sum(link.carried.packets for link in answer.links) for answer in (first, second)] == [1, 0]
        assert first.process_id > 0
