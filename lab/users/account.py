"""What an outage cost, from the records of those who lived through it. Nothing here knows of clocks or of files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from itertools import pairwise

from lab.users.record import Record


def failed(records: Iterable[Record]) -> dict[str, int]:
    """By what was asked, by whom, and what came of it: `read_plain_refused`."""
    kinds = Counter(
        f"{'write' if each.write else 'read'}_{each.kind}_{each.outcome}" for each in records if not each.answered
    )
    return dict(sorted(kinds.items()))


def longest_gap(records: Iterable[Record], *, write: bool, begun: float, ended: float) -> float:
    """The longest time in between in which nobody was answered, the whole time if nobody ever was."""
    times = sorted(each.ended for each in records if each.write is write and each.answered)
    within = [begun, *(time for time in times if begun < time < ended), ended]
    return max(later - earlier for earlier, later in pairwise(within))


def slowest(records: Iterable[Record]) -> float:
    """Seconds that an answer took, with every detour."""
    return max((each.seconds for each in records if each.answered), default=0.0)


def last_misdirected(records: Iterable[Record], addresses: Collection[str], *, begun: float, ended: float) -> float:
    """For how long after its begin an outage of these addresses still drew somebody there."""
    moments = [
        each.at for record in records for each in record.tries if each.address in addresses and begun <= each.at < ended
    ]
    return max(moments, default=begun) - begun


def last_failure(records: Iterable[Record], *, begun: float) -> float:
    """For how long after its begin a request that was to fail could still be made."""
    moments = [each.begun for each in records if not each.answered and each.begun >= begun]
    return max(moments, default=begun) - begun


def during(records: Iterable[Record], begun: float, ended: float) -> list[Record]:
    """Those that were made in that time, whenever they ended."""
    return [each for each in records if begun <= each.begun < ended]


def latest(records: Iterable[Record]) -> float:
    """The longest time in which users of some group did not even ask: they were held up themselves."""
    times: dict[str, list[float]] = {}
    for each in records:
        times.setdefault(each.group, []).append(each.begun)
    return max((later - earlier for asked in times.values() for earlier, later in pairwise(sorted(asked))), default=0.0)
