"""Values that are replaced by compare and set: each version follows from one that its writer has seen.

Every successful write names the version that it replaced, so the order of all writes is known, and what is called
linearizability needs no search: each version has one value, and nobody is shown an older one later.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from tests.drills.history import Anomaly, Kind, Outcome, Span


@dataclass(frozen=True, slots=True)
class Swap:
    """`value`, which nobody else ever writes, in place of what had the version `expected`."""

    key: str
    expected: int
    value: str
    outcome: Outcome
    span: Span

    @property
    def version(self) -> int:
        return self.expected + 1


@dataclass(frozen=True, slots=True)
class Reading:
    key: str
    version: int
    value: str
    span: Span
    fresh: bool = True


def check(swaps: Sequence[Swap], readings: Sequence[Reading], final: Sequence[Reading]) -> list[Anomaly]:
    """Version 0 is before all swaps. `final` are fresh readings of every key after all is over."""
    seen = [*readings, *final]
    return [*_overwritten(swaps), *_values(swaps, seen), *_stale(swaps, seen)]


def _overwritten(swaps: Iterable[Swap]) -> Iterator[Anomaly]:
    """Two that replaced the same version: the later one has not seen the earlier one."""
    winners: dict[tuple[str, int], str] = {}
    for swap in swaps:
        if swap.outcome is not Outcome.ACKNOWLEDGED:
            continue
        first = winners.setdefault((swap.key, swap.expected), swap.value)
        if first != swap.value:
            yield Anomaly(
                Kind.LOST_UPDATE, f"{first} and {swap.value} both replaced version {swap.expected} of {swap.key}"
            )


def _values(swaps: Sequence[Swap], readings: Iterable[Reading]) -> Iterator[Anomaly]:
    written = {(swap.key, swap.value): swap for swap in swaps}
    known = {(swap.key, swap.version): swap.value for swap in swaps if swap.outcome is Outcome.ACKNOWLEDGED}
    for reading in readings:
        if reading.version == 0:
            continue
        shown = f"version {reading.version} of {reading.key} is {reading.value}"
        swap = written.get((reading.key, reading.value))
        if swap is None:
            yield Anomaly(Kind.INVENTED, f"{shown}, which nobody wrote")
        elif swap.outcome is Outcome.REFUSED:
            yield Anomaly(Kind.REFUSED_SEEN, f"{shown}, which was refused")
        elif swap.version != reading.version:
            yield Anomaly(Kind.DOUBLED, f"{shown}, which was to be version {swap.version}")
        elif known.setdefault((reading.key, reading.version), reading.value) != reading.value:
            other = known[reading.key, reading.version]
            yield Anomaly(Kind.DIVERGED, f"{shown}, elsewhere {other}")


def _stale(swaps: Iterable[Swap], readings: Iterable[Reading]) -> Iterator[Anomaly]:
    """What was acknowledged, or read, before a fresh reading began is the least that it may show."""
    shown: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for swap in swaps:
        if swap.outcome is Outcome.ACKNOWLEDGED:
            shown[swap.key].append((swap.span.ended, swap.version))
    found = list(readings)
    for reading in found:
        shown[reading.key].append((reading.span.ended, reading.version))
    newest = _newest(shown)
    for reading in found:
        times, versions = newest[reading.key]
        least = versions[bisect_left(times, reading.span.begun)]
        if reading.fresh and reading.version < least:
            yield Anomaly(Kind.STALE, f"version {reading.version} of {reading.key} read after version {least}")


def _newest(shown: Mapping[str, list[tuple[float, int]]]) -> dict[str, tuple[list[float], list[int]]]:
    """By key: times, and the newest version shown before each."""
    found = {}
    for key, versions in shown.items():
        versions.sort()
        found[key] = [time for time, _ in versions], [0, *accumulate((version for _, version in versions), max)]
    return found
