"""All links together: takes packets in, and gives each out when it arrives. The I/O is the forwarder's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import NamedTuple

from lab.wan import packets
from lab.wan.link import Fate, Link, LinkSettings
from lab.wan.sites import OneWay, Site
from lab.wan.traffic import Traffic

UNDER_WAY_MAX = 500_000
"""Packets on all links together: a bound of memory, about 1 GB of full ones."""


class Arrival(NamedTuple):
    """Ordered by time, then as sent."""

    at_ns: int
    number: int
    sent_ns: int
    packet: bytes
    road: Road


class Road:
    """A link with its ends, and what went over it."""

    __slots__ = ("link", "source", "target", "traffic")

    def __init__(self, source: str, target: str, link: Link) -> None:
        self.source, self.target, self.link = source, target, link
        self.traffic = Traffic()


class Switch:
    def __init__(self, sites: Iterable[Site], links: Iterable[OneWay], seed: int) -> None:
        self._numbers = {site.name: site.number for site in sites}
        self._roads = {
            (here, there): Road(source, target, Link(LinkSettings(), Random(f"{seed}:{source}>{target}")))  # noqa: S311
            for source, here in self._numbers.items()
            for target, there in self._numbers.items()
            if here != there
        }
        self._under_way: list[Arrival] = []
        self._count = count()
        for each in links:
            self.road(each.source, each.target).link.change(each.settings)

    @property
    def roads(self) -> Iterable[Road]:
        return self._roads.values()

    def road(self, source: str, target: str) -> Road:
        """Raises `KeyError` if there is no such link."""
        return self._roads[self._numbers[source], self._numbers[target]]

    def send(self, here: int, packet: bytes, now_ns: int) -> None:
        """From the site of that number. What is for nobody is dropped, as a router would."""
        to = packets.destination(packet)
        road = None if to is None else self._roads.get((here, to[2]))
        if road is None:
            return
        if road.link.cut_ports and road.link.cut_ports & packets.ports(packet):
            road.traffic.ended(Fate.CUT)
            return
        arrival = road.link.send(len(packet), now_ns) if len(self._under_way) < UNDER_WAY_MAX else Fate.OVERFLOWED
        if isinstance(arrival, Fate):
            road.traffic.ended(arrival)
        else:
            heappush(self._under_way, Arrival(arrival, next(self._count), now_ns, packet, road))

    def next_arrival_ns(self) -> int | None:
        return self._under_way[0].at_ns if self._under_way else None

    def arrivals(self, now_ns: int) -> Iterator[tuple[str, bytes]]:
        """The names of sites, and what has come for them by now."""
        under_way = self._under_way
        while under_way and under_way[0][0] <= now_ns:
            at_ns, _, sent_ns, packet, road = heappop(under_way)
            road.link.arrived(len(packet))
            road.traffic.arrived(len(packet), now_ns - sent_ns, now_ns - at_ns)
            yield road.target, packet
