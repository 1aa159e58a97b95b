"""What went over a link, and how long it really took: the forwarder's own account."""

from __future__ import annotations

from collections import Counter

from pydantic import BaseModel, ConfigDict

from lab.wan.link import Fate

NANOSECONDS_A_MILLISECOND = 1_000_000


class Carried(BaseModel):
    """Of one link, since the last time that the account was begun anew. Times are those of packets that arrived."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    packets: int
    bytes: int
    lost: int
    overflowed: int
    cut: int
    delay_ms: float | None
    """On average, from being read at one side to being written at the other; None if nothing arrived."""
    late_ms: float | None
    """On average, behind what the link's settings say."""
    late_worst_ms: float


class Traffic:
    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self._packets = self._bytes = self._took_ns = self._late_ns = self._late_worst_ns = 0
        self._ended: Counter[Fate] = Counter()

    def arrived(self, size_bytes: int, took_ns: int, late_ns: int) -> None:
        self._packets += 1
        self._bytes += size_bytes
        self._took_ns += took_ns
        self._late_ns += late_ns
        if late_ns > self._late_worst_ns:
            self._late_worst_ns = late_ns

    def ended(self, fate: Fate) -> None:
        self._ended[fate] += 1

    def account(self) -> Carried:
        return Carried(
            packets=self._packets,
            bytes=self._bytes,
            lost=self._ended[Fate.LOST],
            overflowed=self._ended[Fate.OVERFLOWED],
            cut=self._ended[Fate.CUT],
            delay_ms=self._average_ms(self._took_ns),
            late_ms=self._average_ms(self._late_ns),
            late_worst_ms=self._late_worst_ns / NANOSECONDS_A_MILLISECOND,
        )

    def _average_ms(self, sum_ns: int) -> float | None:
        return sum_ns / self._packets / NANOSECONDS_A_MILLISECOND if self._packets else None
