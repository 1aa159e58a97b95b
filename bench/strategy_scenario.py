"""What a scenario is: regions, who calls them how often, and what happens meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.strategy_maps import RoundTrips
from bench.strategy_world import Size, World


@dataclass(frozen=True)
class Event:
    at_seconds: float
    happens: Callable[[World], None]


@dataclass(frozen=True)
class Scenario:
    name: str
    sizes: Mapping[str, Size]
    round_trips: RoundTrips
    callers: Sequence[str]
    """Their regions."""
    calls_per_second: float
    """Of all callers together, at random times (Poisson), whether or not earlier ones are answered."""
    seconds: float
    work_seconds: float = 0.02
    """Mean, of an idle or busy node alike."""
    counted_from_seconds: float = 2.0
    """Before, callers get to know the regions."""
    events: Sequence[Event] = ()
    absent: Sequence[str] = ()
    """Regions whose nodes join later."""
