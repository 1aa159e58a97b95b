"""When a failed call may be sent to another node, and how often that may happen at all.

Work that was not begun may always go elsewhere. Work that may have been done is repeated only if that is harmless (the
action is safe, or honours the call's idempotency key), and only by the outermost caller: if every caller of a chain
repeated, attempts would multiply. A budget keeps repeats from turning an overload into an outage.
"""

from __future__ import annotations

from broker.clock import Clock
from broker.config import BUDGET_PER_SECOND, BUDGET_SHARE
from broker.refusals import NotServed, is_refusal
from schema.errors import MeshError

BUDGET_CAPACITY = 100.0
"""What a quiet time may save up for a bad one."""
ATTEMPT_SHARE = 0.5
"""Of the time left, how much one attempt gets while another node could be asked after it."""


def may_repeat(error: MeshError, *, harmless: bool, outermost: bool) -> bool:
    return is_refusal(error) or (harmless and outermost and error.retryable)


def is_free(error: MeshError) -> bool:
    """The node had just withdrawn the action: the next choice will know."""
    return isinstance(error, NotServed)


class RetryBudget:
    """A bucket of tokens, one an extra attempt, be it a repeat or a hedge."""

    def __init__(self, clock: Clock, *, share: float = BUDGET_SHARE, per_second: float = BUDGET_PER_SECOND) -> None:
        """`share` of calls, and so many each second beside."""
        self._clock = clock
        self._share = share
        self._per_second = per_second
        self._tokens = per_second
        self._filled_at_seconds = clock.now()

    def note_call(self) -> None:
        self._tokens = min(BUDGET_CAPACITY, self._tokens + self._share)

    def spend(self) -> bool:
        now = self._clock.now()
        filled = (now - self._filled_at_seconds) * self._per_second
        self._tokens = min(BUDGET_CAPACITY, self._tokens + filled)
        self._filled_at_seconds = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
