"""What a link promises, whatever is sent when: claims over generated traffic, in virtual time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lab.wan.link import UNDER_WAY_BYTES_MAX, Fate, Link, LinkSettings

MILLISECOND_NS = 1_000_000
PACKET_BYTES = 1_500

sizes = st.integers(min_value=20, max_value=PACKET_BYTES)
pauses_ns = st.integers(min_value=0, max_value=50 * MILLISECOND_NS)
traffic = st.lists(st.tuples(pauses_ns, sizes), min_size=1, max_size=60)
delays_ms = st.floats(min_value=0, max_value=500)

Sent = list[tuple[int, int, int | Fate]]


def send(link: Link, packets: Sequence[tuple[int, int]]) -> Sent:
    """When sent, how many bytes, and what became of it."""
    found, now_ns = [], 0
    for pause_ns, size in packets:
        now_ns += pause_ns
        found.append((now_ns, size, link.send(size, now_ns)))
    return found


def arrivals(sent: Sent) -> list[int]:
    return [at for _, _, at in sent if isinstance(at, int)]


def link(seed: int = 1, **settings: object) -> Link:
    return Link(LinkSettings.model_validate(settings), Random(seed))


@given(packets=traffic, delay_ms=delays_ms)
def test_a_packet_takes_exactly_the_delay_where_nothing_else_is_asked(
    packets: list[tuple[int, int]], delay_ms: float
) -> None:
    sent = send(link(delay_ms=delay_ms), packets)

    assert [at for _, _, at in sent] == [began + round(delay_ms * MILLISECOND_NS) for began, _, _ in sent]


@given(packets=traffic, delay_ms=delays_ms, jitter_ms=delays_ms, seed=st.integers())
def test_jitter_adds_no_more_than_it_says_and_takes_nothing_away(
    packets: list[tuple[int, int]], delay_ms: float, jitter_ms: float, seed: int
) -> None:
    sent = send(link(seed, delay_ms=delay_ms, jitter_ms=jitter_ms, reorder=True), packets)

    least_ns, most_ns = round(delay_ms * MILLISECOND_NS), round(delay_ms * MILLISECOND_NS + jitter_ms * MILLISECOND_NS)
    assert all(isinstance(at, int) and least_ns <= at - began <= most_ns + 1 for began, _, at in sent)


@given(packets=traffic, changes=st.lists(st.tuples(delays_ms, delays_ms), min_size=1, max_size=60))
def test_no_packet_overtakes_another_whatever_the_delays_become(
    packets: list[tuple[int, int]], changes: list[tuple[float, float]]
) -> None:
    changing, now_ns, found = link(), 0, []
    for number, (pause_ns, size) in enumerate(packets):
        delay_ms, jitter_ms = changes[number % len(changes)]
        changing.change(LinkSettings(delay_ms=delay_ms, jitter_ms=jitter_ms))
        now_ns += pause_ns
        found.append(changing.send(size, now_ns))

    assert all(isinstance(at, int) for at in found)
    assert all(earlier <= later for earlier, later in pairwise(arrivals([(0, 0, at) for at in found])))


def test_packets_overtake_each_other_where_that_is_asked() -> None:
    at = arrivals(send(link(jitter_ms=20, reorder=True), [(1_000, 100)] * 50))

    assert any(later < earlier for earlier, later in pairwise(at))


@given(packets=traffic, megabits=st.floats(min_value=0.5, max_value=1_000), delay_ms=delays_ms)
def test_no_more_bits_arrive_than_the_bandwidth_carries(
    packets: list[tuple[int, int]], megabits: float, delay_ms: float
) -> None:
    sent = send(link(bandwidth_mbit=megabits, delay_ms=delay_ms), packets)

    through = [(began, size, at) for began, size, at in sent if isinstance(at, int)]
    for first in range(len(through)):
        bits = sum(size for _, size, _ in through[first:]) * 8
        takes_ns = through[-1][2] - round(delay_ms * MILLISECOND_NS) - through[first][0]
        assert bits <= takes_ns * megabits / 1_000 + megabits  # a bit's rounding


@given(packets=traffic, kilobytes=st.integers(min_value=2, max_value=20))
def test_no_more_waits_in_front_of_the_wire_than_its_queue_holds(
    packets: list[tuple[int, int]], kilobytes: int
) -> None:
    limited = link(bandwidth_mbit=1, queue_kilobytes=kilobytes)

    sent = send(limited, packets)

    longest_ns = kilobytes * 1_000 * 8 * 1_000
    assert all(at is Fate.OVERFLOWED for _, _, at in sent if isinstance(at, Fate))
    assert all(at - began <= longest_ns for began, _, at in sent if isinstance(at, int))


def test_a_full_queue_drops_and_takes_again_when_it_has_run_empty() -> None:
    limited = link(bandwidth_mbit=1, queue_kilobytes=3)
    full = send(limited, [(0, PACKET_BYTES)] * 3)

    assert [at for _, _, at in full] == [12 * MILLISECOND_NS, 24 * MILLISECOND_NS, Fate.OVERFLOWED]
    assert limited.send(PACKET_BYTES, 24 * MILLISECOND_NS) == 36 * MILLISECOND_NS


def test_memory_is_bounded_on_a_link_without_a_limit_of_bandwidth() -> None:
    endless = link(delay_ms=10_000)
    endless.under_way_bytes = UNDER_WAY_BYTES_MAX - PACKET_BYTES

    assert isinstance(endless.send(PACKET_BYTES, 0), int)
    assert endless.send(PACKET_BYTES, 0) is Fate.OVERFLOWED
    endless.arrived(PACKET_BYTES)
    assert isinstance(endless.send(PACKET_BYTES, 0), int)


@pytest.mark.parametrize("loss", [0.01, 0.1, 0.5])
def test_losses_are_as_many_as_asked_for(loss: float) -> None:
    count = 20_000
    lossy = link(loss=loss)

    lost = sum(lossy.send(1, number) is Fate.LOST for number in range(count))

    assert abs(lost - count * loss) < 5 * (count * loss * (1 - loss)) ** 0.5


def test_the_same_seed_loses_the_same_packets() -> None:
    packets = [(1_000, 100)] * 500

    assert send(link(3, loss=0.3), packets) == send(link(3, loss=0.3), packets)
    assert send(link(3, loss=0.3), packets) != send(link(4, loss=0.3), packets)


def test_nothing_crosses_a_cut_link_until_it_is_healed() -> None:
    cut = link(cut=True, delay_ms=1)

    assert cut.send(100, 0) is Fate.CUT
    cut.change(cut.settings.changed({"cut": False}))
    assert cut.send(100, 0) == MILLISECOND_NS


def test_a_change_keeps_what_it_does_not_name() -> None:
    before = LinkSettings(delay_ms=20, loss=0.1, cut_ports=frozenset({7222}))

    assert before.changed({"delay_ms": 60}) == LinkSettings(delay_ms=60, loss=0.1, cut_ports=frozenset({7222}))


@pytest.mark.parametrize(
    "wrong", [{"delay_ms": -1}, {"loss": 1.5}, {"bandwidth_mbit": 0}, {"cut_ports": [0]}, {"latency": 3}]
)
def test_settings_that_no_link_can_have_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        LinkSettings().changed(wrong)
