"""How far away clients are: the round trips of their own connections, as the kernel measured them, by network.

A connection's handshake is a measurement that costs nobody a packet. What is kept of a network is its latest few; what
is told of it is one of their shortest, since a round trip is often longer than the way, and never shorter.
"""

from __future__ import annotations

import socket
from asyncio import BaseTransport
from collections import OrderedDict, deque
from collections.abc import Callable
from itertools import islice
from struct import unpack_from
from typing import Protocol

from schema.names import NETWORKS_MAX, RoundTrip

KEPT_NETWORKS = 4_096
"""The ones heard of last; with 32 figures each 5 MB."""
SAMPLES = 32
QUANTILE = 0.1
"""Not the very shortest, which may be of a time when the way was another."""
MEMORY_SECONDS = 3_600.0
"""Ways change: a network that nobody came from for so long is not told of any more."""
IPV4_MAPPED = bytes(10) + b"\xff\xff"
"""How a socket of both families says an IPv4 address."""
TCP_INFO_BYTES, RTT_AT = 72, 68
"""`tcpi_rtt` in the kernel's `struct tcp_info`, microseconds."""
MICROSECONDS = 1_000_000


class Socket(Protocol):
    def getsockopt(self, level: int, option: int, size: int, /) -> bytes: ...


class RoundTripBook:
    def __init__(self, clock: Callable[[], float], kept: int = KEPT_NETWORKS) -> None:
        self._clock = clock
        self._kept = kept
        self._networks: OrderedDict[str, _Samples] = OrderedDict()
        self._next = 0
        """Where the next report goes on."""

    def __len__(self) -> int:
        return len(self._networks)

    def measure(self, transport: BaseTransport) -> None:
        """A connection that was just accepted."""
        peer, connection = transport.get_extra_info("peername"), transport.get_extra_info("socket")
        if isinstance(peer, tuple) and connection is not None and (seconds := of_connection(connection)) is not None:
            self.note(peer[0], seconds)

    def note(self, host: str, seconds: float) -> None:
        network = network_of(host)
        if network is None or seconds <= 0:
            return
        samples = self._networks.setdefault(network, _Samples())
        self._networks.move_to_end(network)
        samples.add(seconds, self._clock())
        if len(self._networks) > self._kept:
            self._networks.popitem(last=False)

    def report(self, at_most: int = NETWORKS_MAX) -> list[RoundTrip]:
        """The next so many networks: one report after another tells of all of them, again and again, so that whoever
        missed one, or came later, knows as much as the others soon."""
        self._forget()
        start = self._next if self._next < len(self._networks) else 0
        self._next = start + at_most
        chosen = islice(self._networks.items(), start, start + at_most)
        return [RoundTrip(network=name, seconds=each.short(), count=len(each.seconds)) for name, each in chosen]

    def _forget(self) -> None:
        """Those at the front are the ones of which nothing was heard for longest."""
        oldest = self._clock() - MEMORY_SECONDS
        while self._networks and next(iter(self._networks.values())).last_at < oldest:
            self._networks.popitem(last=False)


class _Samples:
    __slots__ = ("last_at", "seconds")

    def __init__(self) -> None:
        self.seconds: deque[float] = deque(maxlen=SAMPLES)
        self.last_at = 0.0

    def add(self, seconds: float, now: float) -> None:
        self.seconds.append(seconds)
        self.last_at = now

    def short(self) -> float:
        return sorted(self.seconds)[int(len(self.seconds) * QUANTILE)]


def network_of(host: str) -> str | None:
    """Its first address; None of what is no address."""
    try:
        if ":" not in host:
            return socket.inet_ntop(socket.AF_INET, socket.inet_pton(socket.AF_INET, host)[:3] + bytes(1))
        packed = socket.inet_pton(socket.AF_INET6, host.partition("%")[0])
    except OSError:
        return None
    if packed.startswith(IPV4_MAPPED):
        return socket.inet_ntop(socket.AF_INET, packed[12:15] + bytes(1))
    return socket.inet_ntop(socket.AF_INET6, packed[:6] + bytes(10))


def of_connection(connection: Socket) -> float | None:
    """Seconds; None where the kernel does not say (only Linux does)."""
    if not hasattr(socket, "TCP_INFO"):
        return None
    try:
        told = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_BYTES)
    except OSError:
        return None  # it is gone again
    (microseconds,) = unpack_from("I", told, RTT_AT)
    return float(microseconds) / MICROSECONDS
