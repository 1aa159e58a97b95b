"""A deadline is a point in time, so that it shrinks by itself along a chain of calls."""

from __future__ import annotations

from broker.clock import Clock


class Deadline:
    __slots__ = ("at_seconds", "clock")

    def __init__(self, at_seconds: float, clock: Clock) -> None:
        self.at_seconds = at_seconds
        self.clock = clock

    @classmethod
    def after(cls, seconds: float, clock: Clock) -> Deadline:
        return cls(clock.now() + seconds, clock)

    @property
    def passed(self) -> bool:
        return self.clock.now() >= self.at_seconds

    def remaining_seconds(self) -> float:
        return max(0.0, self.at_seconds - self.clock.now())

    def within(self, seconds: float | None) -> Deadline:
        """The earlier of this one and `seconds` from now."""
        if seconds is None:
            return self
        return Deadline(min(self.at_seconds, self.clock.now() + seconds), self.clock)
