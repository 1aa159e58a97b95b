"""Who is named to users: what gateways measured of the ways to them, and what operators took out.

Every region has a watcher that keeps its name server's knowledge. Each decides by itself; they share what only some of
them can know.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from schema.action import Action, Event, Message, Nothing

REGIONS_MAX = 32
NETWORKS_MAX = 512
"""In one message, of some 40 kB."""

RegionName = Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[a-z0-9-]+$")]


class RoundTrip(Message):
    """From a region's gateways to clients of one network: an IPv4 /24 or an IPv6 /48, by its first address."""

    network: Annotated[str, Field(max_length=45, pattern=r"^[0-9a-f.:]+$")]
    seconds: Annotated[float, Field(ge=0, le=60)]
    count: Annotated[int, Field(ge=1)]
    """Connections that it was measured of."""


class RoundTrips(Message):
    region: RegionName
    measured: Annotated[list[RoundTrip], Field(max_length=NETWORKS_MAX)]


class Decision(Message):
    """An operator's, about one region; of two, the later holds. Milliseconds since the epoch."""

    region: RegionName
    out: bool
    at: Annotated[int, Field(ge=0)]


class Decisions(Message):
    decisions: Annotated[list[Decision], Field(max_length=REGIONS_MAX)]


class OfRegion(Message):
    region: RegionName


class TakeOut(OfRegion):
    forced: bool
    """Also where nobody else is ready."""


class RegionNamed(Message):
    """As one watcher sees it. `problem`: why none of its addresses is ready."""

    region: RegionName
    named: bool
    ready: bool
    out: bool
    problem: str | None


class NamesState(Message):
    ttl_seconds: int
    regions: list[RegionNamed]


ROUND_TRIPS = Event("names.round-trips", RoundTrips)
DECISIONS = Event("names.decisions", Decisions)

STATE = Action("names.state", Nothing, NamesState, safe=True)
# A repeat of these decides the same again.
TAKE_OUT = Action("names.take-out", TakeOut, NamesState, safe=True)
"""`conflict` if no other region is ready."""
BRING_BACK = Action("names.bring-back", OfRegion, NamesState, safe=True)
