"""What failures, and answers that do not come, count against a node: at least what a call that times out takes.

A node that fails fast would look fast otherwise, and be sent everything. One failure counts a little, a few in a row
as much as a timeout; and a node that failed is held back for a time that doubles with each, and then asked by one
call at a time until it answers.
"""

from __future__ import annotations

FAILURE_SECONDS = 1.0
"""What a call costs that fails: the time that an attempt gets before another node is asked."""
FULL = 3.0
"""Failures in a row that count as much as that."""
OVERDUE = 0.5
"""An answer that is overdue is half a failure."""
OVERDUE_MAX = 2.0
"""Overdue answers alone do not hold a node back: behind a queue many are overdue at once, and come all the same."""
HOLD_SECONDS = 0.5
"""After the first failure; twice as long after each that follows."""
HOLD_SECONDS_MAX = 16.0
MAX = 6.0
"""More failures in a row make no difference."""
FORGIVEN = 0.25


class Suspicion:
    __slots__ = ("_until_seconds", "level")

    def __init__(self) -> None:
        self.level = 0.0
        self._until_seconds = 0.0

    def note_failure(self, now_seconds: float) -> None:
        self._raise(now_seconds, min(MAX, self.level + 1))

    def note_overdue(self, now_seconds: float) -> None:
        self._raise(now_seconds, max(self.level, min(OVERDUE_MAX, self.level + OVERDUE)))

    def note_answer(self) -> bool:
        """Whether it was held back for failures, and now is not."""
        was_held = self.level >= FULL
        self.level = self.level / 2 if self.level > FORGIVEN else 0.0
        return was_held and self.level < FULL

    def penalty_seconds(self, now_seconds: float, in_flight: int) -> float:
        """`in_flight`: calls that already try it."""
        if not self.level or (now_seconds >= self._until_seconds and not in_flight):
            return 0.0
        return FAILURE_SECONDS * min(1.0, (self.level / FULL) ** 3)

    def _raise(self, now_seconds: float, level: float) -> None:
        self.level = level
        hold_seconds = min(HOLD_SECONDS_MAX, HOLD_SECONDS * 2 ** (self.level - 1))
        self._until_seconds = max(self._until_seconds, now_seconds + hold_seconds)
