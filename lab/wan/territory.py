"""Regions that are apart: their names, their namespaces and addresses, and how far it is from each to each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.regions import Region
from lab.wan import map as united_states
from lab.wan.link import LinkSettings
from lab.wan.network import planned, prefix_of
from lab.wan.sites import NETWORK, TRIAL_NETWORK, OneWay, Plan

LABORATORY, TRIAL = "lab", "trial"
SEED = 1


@dataclass(frozen=True)
class Territory:
    """`name` begins the namespaces' names, `network` the addresses: two that run side by side share neither."""

    name: str
    network: str
    names: tuple[str, ...]
    one_way_ms: Mapping[tuple[str, str], float]
    seed: int = SEED
    places: tuple[str, ...] = ()
    """Of clients: sites without servers."""

    @property
    def regions(self) -> tuple[Region, ...]:
        return tuple(map(self.region, self.names))

    def region(self, name: str) -> Region:
        """Also what a place would be as a region."""
        number = (*self.names, *self.places).index(name) + 1
        return Region(name, number, f"{self.network}.{number}.1", self.namespace(name))

    def plan(self, folder: Path) -> Plan:
        numbers = {name: number for number, name in enumerate((*self.names, *self.places), start=1)}
        links = [
            OneWay(source=source, target=target, settings=LinkSettings(delay_ms=delay_ms))
            for (source, target), delay_ms in self.one_way_ms.items()
        ]
        return planned(self.name, numbers, links, network=self.network, folder=folder, seed=self.seed)

    def namespace(self, site: str) -> str:
        """Of a region or a place."""
        return f"{prefix_of(self.name)}{site}"


def of_cities(count: int, *, name: str = LABORATORY, network: str = NETWORK) -> Territory:
    """The first so many of the original's seven."""
    cities = united_states.SPREAD[:count]
    return Territory(name, network, cities, united_states.one_way_ms(cities))


def of_round_trips(
    names: Sequence[str],
    round_trips_ms: Mapping[tuple[str, str], float],
    *,
    name: str = TRIAL,
    network: str = TRIAL_NETWORK,
    places: Sequence[str] = (),
) -> Territory:
    """For a trial. One figure a pair: half of it is the delay each way."""
    delays_ms = {
        pair: rtt_ms / 2 for (here, there), rtt_ms in round_trips_ms.items() for pair in ((here, there), (there, here))
    }
    return Territory(name, network, tuple(names), delays_ms, places=tuple(places))
