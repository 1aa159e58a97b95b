"""Round trips as the kernels at both ends see them: ICMP echoes between sites, which the other kernel answers itself.

It measures the laboratory, not the programs in it. No `ping` command is needed, and all pairs are measured at once.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import NamedTuple

from lab.wan.namespaces import entered
from lab.wan.sites import Site

ECHO, ECHO_REPLY = 8, 0
ECHOES = 10
APART_SECONDS = 0.002
"""Between two echoes of different pairs, so that they do not wait for each other."""
PATIENCE_SECONDS = 1.0
"""After the last one; what is not back by then is lost."""
HEADER = struct.Struct("!BBHHHQQ")
"""Type, code, checksum, identifier, number; then ours: when it was sent, and to whom."""
IP_HEADER_BYTES = 20
PACKET_BYTES_MAX = 2_048
TIME = struct.Struct("qq")
"""Seconds and nanoseconds of the kernel's clock."""
KERNEL_TIME = 35
"""SO_TIMESTAMPNS of asm-generic/socket.h."""
NANOSECONDS = 1_000_000_000
NANOSECONDS_A_MILLISECOND = 1_000_000

Pair = tuple[str, str]


class RoundTrips(NamedTuple):
    """Of one pair; times are None if no echo came back."""

    sent: int
    back: int
    least_ms: float | None
    middle_ms: float | None


class Pinging:
    def __init__(self, sites: Sequence[Site], sockets: Mapping[str, socket.socket]) -> None:
        self._sites = dict(enumerate(sites))
        self._sockets = sockets
        self._identifier = os.getpid() & 0xFFFF
        self.found_ms: dict[Pair, list[float]] = {pair: [] for pair in self._pairs()}

    def _pairs(self) -> Iterator[Pair]:
        names = [site.name for site in self._sites.values()]
        return ((here, there) for here in names for there in names if here != there)

    def send_all(self, turn: int) -> None:
        """One echo a pair, apart from each other."""
        for number, target in self._sites.items():
            for source, channel in self._sockets.items():
                if source != target.name:
                    packet = echo(self._identifier, turn, time.time_ns(), number)
                    channel.sendto(packet, (target.address, 0))
                    self.listen(APART_SECONDS)

    def listen(self, seconds: float) -> None:
        names = {channel.fileno(): name for name, channel in self._sockets.items()}
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            ready, _, _ = select.select(list(names), (), (), left)
            for descriptor in ready:
                self._note(names[descriptor], *received(self._sockets[names[descriptor]]))

    def _note(self, source: str, packet: bytes, at_ns: int) -> None:
        if len(packet) < HEADER.size:
            return
        kind, _, _, identifier, _, sent_ns, number = HEADER.unpack_from(packet)
        if kind == ECHO_REPLY and identifier == self._identifier and number in self._sites:
            pair = (source, self._sites[number].name)
            self.found_ms[pair].append((at_ns - sent_ns) / NANOSECONDS_A_MILLISECOND)


def received(channel: socket.socket) -> tuple[bytes, int]:
    """The next ICMP packet, and when the kernel had it: a busy machine may tell us much later."""
    packet, told, _, _ = channel.recvmsg(PACKET_BYTES_MAX, socket.CMSG_SPACE(TIME.size))
    (_, _, stamp), *_ = told
    seconds: int
    nanoseconds: int
    seconds, nanoseconds = TIME.unpack(stamp)
    return packet[IP_HEADER_BYTES:], seconds * NANOSECONDS + nanoseconds


def echo(identifier: int, turn: int, now_ns: int, number: int) -> bytes:
    bare = HEADER.pack(ECHO, 0, 0, identifier, turn, now_ns, number)
    return HEADER.pack(ECHO, 0, checksum(bare), identifier, turn, now_ns, number)


def checksum(packet: bytes) -> int:
    """Of the internet (RFC 1071), over an even number of bytes."""
    total: int = sum(word for (word,) in struct.iter_unpack("!H", packet))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


@contextmanager
def sockets(sites: Sequence[Site]) -> Iterator[Mapping[str, socket.socket]]:
    """One at each site. Needs root."""
    with ExitStack() as stack:
        found = {}
        for site in sites:
            with entered(site.namespace):
                channel = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
            channel.setsockopt(socket.SOL_SOCKET, KERNEL_TIME, 1)
            found[site.name] = stack.enter_context(channel)
        yield found


def measure(sites: Sequence[Site], *, echoes: int = ECHOES) -> Mapping[Pair, RoundTrips]:
    """From each site to each other, all at once."""
    with sockets(sites) as channels:
        pinging = Pinging(sites, channels)
        for turn in range(echoes):
            pinging.send_all(turn)
        pinging.listen(PATIENCE_SECONDS)
    return {
        pair: RoundTrips(echoes, len(found), min(found, default=None), median(found) if found else None)
        for pair, found in pinging.found_ms.items()
    }
