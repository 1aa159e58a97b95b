"""Tells the watchers of names how far away this region's users are."""

from __future__ import annotations

from random import Random

from andromeda.round_trips import RoundTripBook
from broker import Broker
from broker.clock import Clock
from broker.periodic import Rhythm
from schema.names import ROUND_TRIPS, RoundTrips

TELL_SECONDS = 10.0
"""As long as an answer of DNS is good for."""


def telling(broker: Broker, book: RoundTripBook, clock: Clock, random: Random) -> Rhythm:
    async def tell() -> None:
        measured = book.report()
        if measured:
            await broker.broadcast(ROUND_TRIPS, RoundTrips(region=broker.region, measured=measured))

    return Rhythm(clock, TELL_SECONDS, random, tell)
