"""Thousands of deadlines that are nearly never reached, for the price of one timer.

Each call has a deadline, and nearly every call is answered long before it: a timer of the event loop for each would
cost more than the rest of the bookkeeping. Deadlines of the same millisecond share a slot, and only the earliest slot
has a timer.
"""

from __future__ import annotations

import heapq
import math
from typing import Final, Protocol, TypeAlias

from broker.clock import Clock, Timer

TICKS_PER_SECOND: Final = 1_000
"""A deadline is noticed at its next tick, give or take half of one, which is as exact as an event loop's timers are."""
SWEEP_SLOTS_MIN: Final = 16_384
"""Slots whose deadlines were all taken back stay until their time; beyond this many they are looked for and dropped."""


class Expiring(Protocol):
    def expire(self) -> None:
        """The time has come. Must neither block nor raise."""
        ...


Slot: TypeAlias = set[Expiring]
"""What expires in the same tick; `slot.discard(what)` takes it back."""


class Timeouts:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._slots: dict[int, Slot] = {}
        self._ticks: list[int] = []
        self._sweep_above = SWEEP_SLOTS_MIN
        self._timer: Timer | None = None
        self._timer_tick: float = math.inf

    def __len__(self) -> int:
        """Slots, empty ones too."""
        return len(self._slots)

    def add(self, at_seconds: float, what: Expiring) -> Slot:
        """Calls `what.expire()` once when the clock says so, or soon after if it has said so already."""
        tick = int(at_seconds * TICKS_PER_SECOND) + 1
        slot = self._slots.get(tick)
        if slot is None:
            slot = self._open(tick)
        slot.add(what)
        return slot

    def _open(self, tick: int) -> Slot:
        if len(self._slots) >= self._sweep_above:
            self._sweep()
        slot = self._slots[tick] = set()
        heapq.heappush(self._ticks, tick)
        if tick < self._timer_tick:
            self._wake_at(tick)
        return slot

    def _wake_at(self, tick: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_tick = float(tick)
        seconds = max(0.0, tick / TICKS_PER_SECOND - self._clock.now())
        self._timer = self._clock.call_later(seconds, self._wake)

    def _wake(self) -> None:
        self._timer, self._timer_tick = None, math.inf
        due = self._clock.now() * TICKS_PER_SECOND + 0.5
        while self._ticks and (self._ticks[0] <= due or not self._slots[self._ticks[0]]):
            slot = self._slots.pop(heapq.heappop(self._ticks))
            while slot:
                slot.pop().expire()
        if self._ticks and self._ticks[0] < self._timer_tick:
            self._wake_at(self._ticks[0])

    def _sweep(self) -> None:
        self._slots = {tick: slot for tick, slot in self._slots.items() if slot}
        self._ticks = sorted(self._slots)
        self._sweep_above = max(SWEEP_SLOTS_MIN, 2 * len(self._slots))
