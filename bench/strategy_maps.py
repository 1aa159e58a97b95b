"""Where the regions of the scoreboard lie: round trips between them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import TypeAlias

from lab.wan.map import CITIES, round_trip_seconds

RoundTrips: TypeAlias = Mapping[tuple[str, str], float]

NEAR, MIDDLE, FAR = "near", "middle", "far"
THREE_SECONDS = {NEAR: 0.002, MIDDLE: 0.04, FAR: 0.12}


def three() -> RoundTrips:
    """From a caller next to `near`, and from another one that has them the other way round."""
    mirrored = {NEAR: THREE_SECONDS[FAR], MIDDLE: THREE_SECONDS[MIDDLE], FAR: THREE_SECONDS[NEAR]}
    return {
        (origin, region): trips[region]
        for origin, trips in ((NEAR, THREE_SECONDS), (FAR, mirrored))
        for region in trips
    }


def seven() -> RoundTrips:
    return {pair: round_trip_seconds(*pair) for pair in product(CITIES, CITIES)}
