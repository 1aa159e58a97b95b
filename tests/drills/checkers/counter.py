"""A number to which clients add, each time in one statement: it must never lag behind what was acknowledged, and never
be ahead of what was asked for.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from tests.drills.history import Anomaly, Kind, Outcome, Span


@dataclass(frozen=True, slots=True)
class Add:
    """`amount` is positive, so that the number only grows."""

    amount: int
    outcome: Outcome
    span: Span


@dataclass(frozen=True, slots=True)
class Reading:
    value: int
    span: Span
    fresh: bool = True


def check(adds: Sequence[Add], readings: Iterable[Reading], final: int) -> list[Anomaly]:
    """`final` is the value after all is over. The amounts of `lost` and `doubled` are in their details."""
    return [*_final(adds, final), *_readings(adds, readings)]


def _final(adds: Sequence[Add], final: int) -> Iterator[Anomaly]:
    acknowledged = _sum(adds, Outcome.ACKNOWLEDGED)
    possible = acknowledged + _sum(adds, Outcome.UNKNOWN)
    if final < acknowledged:
        yield Anomaly(Kind.LOST, f"{acknowledged} acknowledged, {final} there")
    if final > possible:
        refused = _sum(adds, Outcome.REFUSED)
        kind = Kind.REFUSED_SEEN if final - possible <= refused else Kind.DOUBLED
        yield Anomaly(kind, f"{possible} asked for and not refused, {final} there")


def _readings(adds: Sequence[Add], readings: Iterable[Reading]) -> Iterator[Anomaly]:
    acknowledged = _Total((add.span.ended, add.amount) for add in adds if add.outcome is Outcome.ACKNOWLEDGED)
    asked = _Total((add.span.begun, add.amount) for add in adds if add.outcome is not Outcome.REFUSED)
    for reading in readings:
        least, most = acknowledged.before(reading.span.begun), asked.before(reading.span.ended)
        if reading.fresh and reading.value < least:
            yield Anomaly(Kind.STALE, f"{reading.value} read after {least} had been acknowledged")
        if reading.value > most:
            yield Anomaly(Kind.INVENTED, f"{reading.value} read when no more than {most} had been asked for")


class _Total:
    """Of amounts, up to a time."""

    def __init__(self, amounts: Iterable[tuple[float, int]]) -> None:
        found = sorted(amounts)
        self._times = [time for time, _ in found]
        self._sums = [0, *accumulate(amount for _, amount in found)]

    def before(self, time: float) -> int:
        return self._sums[bisect_left(self._times, time)]


def _sum(adds: Iterable[Add], outcome: Outcome) -> int:
    return sum(add.amount for add in adds if add.outcome is outcome)
