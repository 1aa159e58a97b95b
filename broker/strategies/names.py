"""Every strategy by its name.

strategy = named("round-robin")(Place("west", clock.now, random))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import NamedTuple, TypeAlias

from broker.strategies.fastest import Fastest
from broker.strategies.least_in_flight import LeastInFlight
from broker.strategies.local_first import LocalFirst
from broker.strategies.moleculer_latency import MoleculerLatency
from broker.strategies.peak_ewma import PeakEwma
from broker.strategies.random_choice import RandomChoice
from broker.strategies.round_robin import RoundRobin
from broker.strategies.shard import Shard
from broker.strategies.strategy import Strategy


class Place(NamedTuple):
    """Where and by what a caller chooses."""

    region: str
    now: Callable[[], float]
    random: Random


Make: TypeAlias = Callable[[Place], Strategy]

FASTEST = "fastest"
STRATEGIES: Mapping[str, Make] = {
    FASTEST: lambda place: Fastest(place.region, place.now, place.random),
    "round-robin": lambda place: RoundRobin(),
    "random": lambda place: RandomChoice(place.random),
    "moleculer-latency": lambda place: MoleculerLatency(place.now, place.random),
    "peak-ewma": lambda place: PeakEwma(place.now, place.random),
    "least-in-flight": lambda place: LeastInFlight(place.random),
    "local-first": lambda place: LocalFirst(place.region, place.random),
    "shard": lambda place: Shard(place.random),
}


def named(name: str) -> Make:
    """Raises `ValueError` for a name that no strategy has."""
    if name not in STRATEGIES:
        raise ValueError(f"no strategy is called {name}: there are {', '.join(STRATEGIES)}")
    return STRATEGIES[name]
