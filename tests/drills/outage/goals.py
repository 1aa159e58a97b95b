"""What an outage may cost, as numbers, and whether what was measured keeps to them.

Users of browsers try the next address; plain ones wait until names lead elsewhere. Each goal says what it allows.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lab.users import account
from lab.users.record import OK, STALE, Record

DETOUR_SECONDS_MAX = 1.0
"""Of a browser, which tries the next address."""
MISDIRECTED_SECONDS_MAX = 15.0
"""Of a plain client, which waits for its resolver."""
WRITE_SECONDS_MAX = 10.0
HELD_UP_SECONDS_MAX = 0.5
"""Else what they waited for may have been their turn."""
MAJORITY_LOST_SECONDS_MAX = 60.0
POWER_LOST_SECONDS_MAX = 120.0


@dataclass(frozen=True)
class Lived:
    """One outage, as it was lived through. Seconds on one monotonic clock."""

    region: str
    begun: float
    healing: float
    healed: float
    ended: float
    dead: Sequence[str]
    """Addresses that could serve nobody, from `begun` to `healing`."""
    records: Sequence[Record]
    flaps: int = 0
    """Times that a healthy region left the answers."""
    written: dict[str, int] = field(default_factory=dict)
    """How often each key of a write is in the database afterwards."""

    def of(self, *, kind: str | None = None, write: bool | None = None, group: str | None = None) -> list[Record]:
        return [
            each
            for each in self.records
            if kind in (None, each.kind) and write in (None, each.write) and group in (None, each.group)
        ]

    @property
    def misdirected(self) -> float:
        return account.last_misdirected(self.records, self.dead, begun=self.begun, ended=self.healing)

    @property
    def acknowledged(self) -> list[str]:
        return [each.key for each in self.records if each.write and each.answered]

    @property
    def lost(self) -> list[str]:
        return [key for key in self.acknowledged if not self.written.get(key)]

    @property
    def doubled(self) -> list[str]:
        """Of all that were asked for, acknowledged or not."""
        return [each.key for each in self.records if each.write and self.written.get(each.key, 0) > 1]

    def gap(self, *, write: bool) -> float:
        return account.longest_gap(self.records, write=write, begun=self.begun, ended=self.ended)

    @property
    def held_up_seconds(self) -> float:
        """Users who do not come at all are the latest."""
        cached = [each for each in self.records if each.group.endswith("-cached")]  # they come most often
        last = max((each.begun for each in cached), default=self.begun)
        return max(account.latest(cached), self.ended - last)

    def back_seconds(self, *, write: bool) -> float:
        """From the begin of healing to the first answer to something that was asked for after it."""
        times = [each.ended for each in self.of(write=write) if each.answered and each.begun >= self.healing]
        return min(times, default=math.inf) - self.healing


Goal = Callable[[Lived], list[str]]
"""What it misses; nothing where it is met."""


def kept(lived: Lived) -> list[str]:
    """Of every outage: what was acknowledged is there, and nothing is there twice."""
    lost, doubled = len(lived.lost), len(lived.doubled)
    return [*_above("acknowledged writes lost", lost, 0), *_above("writes doubled", doubled, 0)]


def believable(lived: Lived) -> list[str]:
    """Of every outage: its users came in time. On a machine that is busy with other things they do not."""
    return _above("s in which users were held up themselves", lived.held_up_seconds, HELD_UP_SECONDS_MAX)


def unnoticed(lived: Lived) -> list[str]:
    """No request fails."""
    return _failed(lived.records, "requests")


def safe_unnoticed(lived: Lived) -> list[str]:
    """No read fails."""
    return _failed(lived.of(write=False), "reads")


def region_gone(lived: Lived) -> list[str]:
    """No read of a browser fails, each is answered within 1 s; plain clients are led elsewhere within 15 s; writes are
    taken again within 10 s."""
    browsers, plain = lived.of(kind="browser", write=False), lived.of(kind="plain", write=False)
    failing_seconds = account.last_failure(plain, begun=lived.begun)
    return [
        *_failed(browsers, "reads of browsers"),
        *_above("s for a browser's slowest read", account.slowest(browsers), DETOUR_SECONDS_MAX),
        *_above("s until plain reads failed no more", failing_seconds, MISDIRECTED_SECONDS_MAX),
        *_above("s until the last misdirected client", lived.misdirected, MISDIRECTED_SECONDS_MAX),
        *_above("s without an answered write", lived.gap(write=True), WRITE_SECONDS_MAX),
    ]  # fmt: skip


def majority_gone(lived: Lived) -> list[str]:
    """Writes are refused rather than taken, old answers say that they are old, and writes are taken again within 60 s
    of the begin of recovery."""
    without = [each for each in lived.records if lived.begun + WRITE_SECONDS_MAX < each.begun < lived.healing]
    taken = [each for each in without if each.write and each.answered]
    searches = Counter(each.outcome for each in without if each.group.endswith("-searches"))
    return [
        *_above("writes taken without a majority", len(taken), 0),
        *_above("old answers that did not say so", searches[OK], 0),
        *([] if searches[STALE] else ["nobody was given an old answer"]),
        *_above("s until writes were taken again", lived.back_seconds(write=True), MAJORITY_LOST_SECONDS_MAX),
    ]


def power_gone(lived: Lived) -> list[str]:
    """Reads and writes are answered again within 120 s of power's return."""
    return [
        *_above("s until reads were answered", lived.back_seconds(write=False), POWER_LOST_SECONDS_MAX),
        *_above("s until writes were answered", lived.back_seconds(write=True), POWER_LOST_SECONDS_MAX),
    ]


def cached_unnoticed(lived: Lived) -> list[str]:
    """What is cached is answered, and names lead to those who answer it."""
    cached = [each for each in lived.of(write=False) if each.group.endswith("-cached")]
    return _failed(cached, "reads of what is cached")


def steady(lived: Lived) -> list[str]:
    """No request fails, and no region leaves the answers."""
    return [*unnoticed(lived), *_above("times that a healthy region left the answers", lived.flaps, 0)]


def _failed(records: Sequence[Record], what: str) -> list[str]:
    failed = account.failed(records)
    told = ", ".join(f"{count} {kind}" for kind, count in failed.items())
    return [f"{sum(failed.values())} {what} failed: {told}"] if failed else []


def _above(what: str, found: float, most: float) -> list[str]:
    return [f"{found:.4g} {what}, {most:g} allowed"] if found > most else []
