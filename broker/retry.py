"""When a failed call may be sent to another node, and how often that may happen at all.

Work that was not begun may always go elsewhere. Work that may have been done is repeated only if the action is safe,
and only by the outermost caller: if every caller of a chain repeated, attempts would multiply. A budget keeps repeats
from turning an overload into an outage.
"""

from __future__ import annotations

from broker.clock import Clock
from broker.refusals import NotServed, is_refusal
from schema.errors import MeshError

BUDGET_SHARE = 0.2
"""Extra attempts as a share of calls."""
BUDGET_PER_SECOND = 10.0
"""Extra attempts beside, so that a node with little traffic can repeat too."""
BUDGET_CAPACITY = 100.0
"""What a quiet time may save up for a bad one."""
ATTEMPT_SHARE = 0.5
"""Of the time left, how much one attempt gets while another node could be asked after it."""


def may_repeat(error: MeshError, *, safe: bool, outermost: bool) -> bool:
    return is_refusal(error) or (safe and outermost and error.retryable)


def is_free(error: MeshError) -> bool:
    """The node had just withdrawn the action: the next choice will know."""
    return isinstance(error, NotServed)


class RetryBudget:
    """A bucket of tokens, one an extra attempt."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tokens = BUDGET_PER_SECOND
        self._filled_at_seconds = clock.now()

    def note_call(self) -> None:
        self._add(BUDGET_SHARE)

    def spend(self) -> bool:
        now = self._clock.now()
        self._add((now - self._filled_at_seconds) * BUDGET_PER_SECOND)
        self._filled_at_seconds = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _add(self, tokens: float) -> None:
        self._tokens = min(BUDGET_CAPACITY, self._tokens + tokens)
