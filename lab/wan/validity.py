"""Whether a run may be believed: whoever delays the packets, and whoever makes the load, must not have been the
bottleneck. Who is busy most of the time is late some of the time, and what was measured then is his own lateness.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

BUSY_SHARE_MAX = 0.7
"""Of one core."""
PROCESSES = Path("/proc")
TICKS_A_SECOND = 100
"""USER_HZ, in which Linux counts on all its architectures."""
USER_TICKS_AT, SYSTEM_TICKS_AT = 11, 12
"""After the name, which may have anything in it."""


@dataclass(frozen=True, slots=True)
class Used:
    """By one process until a moment; from two of them follows the share of a core in between."""

    cpu_seconds: float
    clock_seconds: float

    def share_since(self, before: Used) -> float:
        """Raises `ValueError` if no time has passed: there is no share of nothing."""
        passed_seconds = self.clock_seconds - before.clock_seconds
        if passed_seconds <= 0:
            raise ValueError("no time has passed")
        return (self.cpu_seconds - before.cpu_seconds) / passed_seconds


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reasons` against believing the run: none if it is valid."""

    shares: Mapping[str, float]

    @property
    def reasons(self) -> tuple[str, ...]:
        return tuple(
            f"{name} used {share:.0%} of a core, more than {BUSY_SHARE_MAX:.0%}"
            for name, share in self.shares.items()
            if share > BUSY_SHARE_MAX
        )

    @property
    def valid(self) -> bool:
        return not self.reasons


def judge(before: Mapping[str, Used], after: Mapping[str, Used]) -> Verdict:
    """Both by the names of the same processes."""
    return Verdict({name: used.share_since(before[name]) for name, used in after.items()})


def used_by(process_id: int) -> Used:
    """With all its threads. Raises `FileNotFoundError` when it has ended: ask before that."""
    fields = (PROCESSES / str(process_id) / "stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[USER_TICKS_AT]) + int(fields[SYSTEM_TICKS_AT])
    return Used(ticks / TICKS_A_SECOND, time.monotonic())


def used_by_all(process_ids: Mapping[str, int]) -> dict[str, Used]:
    return {name: used_by(process_id) for name, process_id in process_ids.items()}
