"""Elements that clients add to a set, each once: in the end exactly those are there that were acknowledged.

The set is a table without a unique key, so that an element which was added twice is there twice.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tests.drills.history import Anomaly, Kind, Outcome, Span


@dataclass(frozen=True, slots=True)
class Add:
    element: str
    outcome: Outcome
    span: Span


@dataclass(frozen=True, slots=True)
class Reading:
    elements: frozenset[str]
    span: Span
    fresh: bool = True


def check(adds: Sequence[Add], readings: Iterable[Reading], final: Sequence[str]) -> list[Anomaly]:
    """`final` lists every row after all is over."""
    outcomes = {add.element: add.outcome for add in adds}
    return [*_final(outcomes, Counter(final)), *_stale(adds, readings)]


def _final(outcomes: dict[str, Outcome], final: Counter[str]) -> Iterator[Anomaly]:
    for element, outcome in outcomes.items():
        if outcome is Outcome.ACKNOWLEDGED and element not in final:
            yield Anomaly(Kind.LOST, f"{element} was acknowledged and is not there")
        if outcome is Outcome.REFUSED and element in final:
            yield Anomaly(Kind.REFUSED_SEEN, f"{element} was refused and is there")
    for element, times in final.items():
        if element not in outcomes:
            yield Anomaly(Kind.INVENTED, f"{element} was never added")
        if times > 1:
            yield Anomaly(Kind.DOUBLED, f"{element} is there {times} times")


def _stale(adds: Iterable[Add], readings: Iterable[Reading]) -> Iterator[Anomaly]:
    acknowledged = sorted((add.span.ended, add.element) for add in adds if add.outcome is Outcome.ACKNOWLEDGED)
    times = [time for time, _ in acknowledged]
    for reading in readings:
        if not reading.fresh:
            continue
        earlier = acknowledged[: bisect_left(times, reading.span.begun)]
        missed = [element for _, element in earlier if element not in reading.elements]
        if missed:
            yield Anomaly(Kind.STALE, f"{len(missed)} acknowledged elements were missed, {missed[0]} the first of them")
