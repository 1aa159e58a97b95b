"""Which region is nearest to whom, by what gateways measured; and how often that is right in a simulated country."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import lupa.luajit21 as lupa
import pytest

from andromeda.dns.declaration import declared
from andromeda.dns.nearest import MEMORY_SECONDS, Nearest
from andromeda.round_trips import RoundTripBook
from lab.wan.map import CITIES, DETOUR, EARTH_KILOMETRES, FIBRE_KILOMETRES_PER_SECOND, SPREAD, WITHIN_SECONDS
from schema.names import RoundTrip
from tests.andromeda.dns.script import NOW, Script

NETWORK = "192.0.2.0"
REGIONS = ("west", "central", "east")


def told(seconds: float, count: int = 16, network: str = NETWORK) -> list[RoundTrip]:
    return [RoundTrip(network=network, seconds=seconds, count=count)]


def test_the_shortest_way_comes_first() -> None:
    nearest = Nearest(REGIONS)
    nearest.learn("west", told(0.030), NOW)
    nearest.learn("east", told(0.010), NOW)

    assert nearest.orders(NOW)[NETWORK].near == ("east", "west")


def test_a_region_that_was_measured_once_or_twice_does_not_count_yet() -> None:
    nearest = Nearest(REGIONS)
    nearest.learn("west", told(0.030, count=2), NOW)

    assert nearest.orders(NOW) == {}


@pytest.mark.parametrize(("seconds", "count", "unsure"), [(0.015, 31, ("west",)), (0.015, 32, ()), (0.021, 3, ())])
def test_a_region_that_may_be_nearer_than_it_looks_is_told_apart(
    seconds: float, count: int, unsure: tuple[str]
) -> None:
    nearest = Nearest(REGIONS)
    nearest.learn("west", told(seconds, count), NOW)
    nearest.learn("east", told(0.010), NOW)

    assert nearest.orders(NOW)[NETWORK] == (("east", "west"), unsure)


def test_what_was_measured_long_ago_does_not_count_any_more() -> None:
    nearest = Nearest(REGIONS)
    nearest.learn("west", told(0.030), NOW)
    nearest.learn("east", told(0.010), NOW - MEMORY_SECONDS)

    assert nearest.orders(NOW)[NETWORK].near == ("west",)


def test_keeps_the_networks_heard_of_last() -> None:
    nearest = Nearest(REGIONS, networks_max=10)
    for number in range(30):
        nearest.learn("west", told(0.010, network=f"10.0.{number}.0"), NOW)

    assert list(nearest.orders(NOW)) == [f"10.0.{number}.0" for number in range(20, 30)]


def test_what_is_known_outlives_the_process() -> None:
    nearest, later = Nearest(REGIONS), Nearest(REGIONS)
    nearest.learn("west", told(0.030), NOW)
    later.load(nearest.dump())

    assert later.orders(NOW) == nearest.orders(NOW)


def test_as_many_networks_as_are_kept_are_a_file_that_lua_loads() -> None:
    nearest = Nearest(REGIONS)
    for number in range(20_000):
        nearest.learn(REGIONS[number % 3], told(0.01, network=f"10.{number >> 8}.{number & 255}.0"), NOW)

    assert len(list(lupa.LuaRuntime().execute(nearest.lua(NOW)).networks)) == len(nearest) == 16_384


# --- a country of clients ------------------------------------------------------------------------------------------

SEED = 6
CLIENTS = 100
VISITS = 700
"""Answers that a network's resolvers get, for a new connection each."""
LAST_MILE_SECONDS = (0.002, 0.020)
JITTER_SECONDS = 0.004
SPIKES = 0.03
"""Share of connections whose first packets were held up."""
SPIKE_SECONDS = 0.2


@dataclass(frozen=True)
class Client:
    address: str
    ways_seconds: Sequence[float]
    """To each region."""
    last_mile_seconds: float

    def round_trip_seconds(self, region: int, random: Random) -> float:
        jitter = random.expovariate(1 / JITTER_SECONDS) + (SPIKE_SECONDS if random.random() < SPIKES else 0)
        return self.ways_seconds[region] + self.last_mile_seconds + jitter

    @property
    def nearest(self) -> int:
        return min(range(len(self.ways_seconds)), key=self.ways_seconds.__getitem__)


def client(number: int, random: Random) -> Client:
    """Somewhere in the country, one network each."""
    place = random.uniform(30, 47), random.uniform(-122, -72)
    ways = [
        WITHIN_SECONDS + 2 * DETOUR * kilometres(place, CITIES[city]) / FIBRE_KILOMETRES_PER_SECOND for city in SPREAD
    ]
    return Client(f"10.{number >> 8}.{number & 255}.7", ways, random.uniform(*LAST_MILE_SECONDS))


def kilometres(one: tuple[float, float], other: tuple[float, float]) -> float:
    (north, east), (other_north, other_east) = (tuple(map(math.radians, place)) for place in (one, other))
    cosine = math.sin(north) * math.sin(other_north) + math.cos(north) * math.cos(other_north) * math.cos(
        east - other_east
    )
    return EARTH_KILOMETRES * math.acos(min(1.0, cosine))


def test_nearest_by_measurement_is_right_for_19_of_20_networks(tmp_path: Path) -> None:
    random = Random(SEED)
    regions = {city: {"addresses": [f"192.0.2.{number}"]} for number, city in enumerate(SPREAD)}
    script = Script(tmp_path, declared({"zone": "example.org", "regions": regions}), SEED)
    books = [RoundTripBook(lambda: 0.0) for _ in SPREAD]
    nearest = Nearest(SPREAD)
    clients = [client(number, random) for number in range(CLIENTS)]
    for visit in range(VISITS):
        if visit % 10 == 0:  # gateways have told once more what they know
            for city, book in zip(SPREAD, books, strict=True):
                nearest.learn(city, book.report(), NOW)
            script.measured(nearest.lua(NOW))
            script.told(SPREAD, nearest=str(visit))
        for each in clients:
            region = int(script.answer(each.address)[0].rpartition(".")[2])
            books[region].note(each.address, each.round_trip_seconds(region, random))

    found = nearest.orders(NOW)
    right = sum(found[f"{each.address.removesuffix('.7')}.0"].near[0] == SPREAD[each.nearest] for each in clients)
    print(f"nearest by measurement: right for {right} of {CLIENTS} networks after {VISITS} connections each")

    assert right / CLIENTS >= 0.95
