"""Where the regions of the original's deployment lie, and what light in fibre needs between them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import permutations
from types import MappingProxyType

CITIES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "oregon": (45.84, -119.70),
        "california": (37.35, -121.95),
        "utah": (40.76, -111.89),
        "texas": (32.78, -96.80),
        "iowa": (41.26, -95.86),
        "virginia": (39.04, -77.49),
        "new-york": (40.71, -74.01),
    }
)
"""Seven places of the continental United States that have datacenters: degrees north and east."""
SPREAD = ("oregon", "iowa", "virginia", "california", "texas", "new-york", "utah")
"""The first few of them are far apart, whatever few that is."""
EARTH_KILOMETRES = 6_371.0
FIBRE_KILOMETRES_PER_SECOND = 200_000.0
DETOUR = 1.5
"""Fibre follows railways and rivers, not great circles."""
WITHIN_SECONDS = 0.001
"""A round trip inside a region: between any two, the way out of one and into the other."""
MILLISECONDS = 1_000


def great_circle_kilometres(one: str, other: str) -> float:
    (north, east), (other_north, other_east) = (tuple(map(math.radians, CITIES[city])) for city in (one, other))
    half_chord = (
        math.sin((other_north - north) / 2) ** 2
        + math.cos(north) * math.cos(other_north) * math.sin((other_east - east) / 2) ** 2
    )
    return 2 * EARTH_KILOMETRES * math.asin(math.sqrt(half_chord))


def round_trip_seconds(one: str, other: str) -> float:
    return WITHIN_SECONDS + 2 * DETOUR * great_circle_kilometres(one, other) / FIBRE_KILOMETRES_PER_SECOND


def one_way_ms(cities: Sequence[str]) -> Mapping[tuple[str, str], float]:
    """Of each ordered pair."""
    return {pair: round_trip_seconds(*pair) / 2 * MILLISECONDS for pair in permutations(cities, 2)}
