"""When a failed call may be sent to another node, and how often that may happen at all.

Work that was not begun may always go elsewhere. Work that may have been done is repeated only if that is harmless (the
action is safe, or honours the call's idempotency key), and only by the outermost caller: if every caller of a chain
repeated, attempts would multiply. A budget keeps repeats from turning an overload into an outage.
"""

from __future__ import annotations

from typing import Final

from broker.clock import Clock
from broker.config import BUDGET_PER_SECOND, BUDGET_SHARE
from broker.pending import CutOff, Silent
from broker.refusals import NotSent, NotServed, is_refusal
from schema.errors import MeshError

BUDGET_CAPACITY: Final = 100.0
"""What a quiet time may save up for a bad one."""
ATTEMPT_SECONDS_MIN: Final = 0.8
"""What an attempt gets at least where less time than that is usual: then another node has answered within a second."""
ATTEMPT_TIMES_USUAL: Final = 4
ATTEMPT_SHARE: Final = 0.5
"""Of the time left, how much one attempt gets while another node could be asked after it."""


def may_repeat(error: MeshError, *, harmless: bool, outermost: bool) -> bool:
    return is_refusal(error) or (harmless and outermost and error.retryable)


def is_free(error: MeshError) -> bool:
    """What is known not to be working on the call is not burdened twice: a node that had just withdrawn the action or
    answers nobody, and a connection that is gone."""
    return isinstance(error, (NotServed, NotSent, CutOff, Silent))


def is_own_failure(error: MeshError) -> bool:
    """Of this node's connection, and not of the node that was asked."""
    return isinstance(error, (CutOff, NotSent))


def attempt_seconds(remaining_seconds: float, usual_seconds: float | None) -> float:
    """How long one node may take, if another can be asked after it. `usual_seconds` is what nearly all calls take."""
    share_seconds = remaining_seconds * ATTEMPT_SHARE
    if usual_seconds is None:
        return share_seconds
    return min(share_seconds, max(ATTEMPT_SECONDS_MIN, ATTEMPT_TIMES_USUAL * usual_seconds))


class RetryBudget:
    """A bucket of tokens, one an extra attempt, be it a repeat or a hedge."""

    def __init__(self, clock: Clock, *, share: float = BUDGET_SHARE, per_second: float = BUDGET_PER_SECOND) -> None:
        """`share` of calls, and so many each second beside."""
        self._clock = clock
        self._share = share
        self._per_second = per_second
        self._tokens = per_second
        self._filled_at_seconds = clock.now()

    def refill(self) -> None:
        """What was spent was spent in vain, and for nothing that more attempts could make worse."""
        self._tokens = BUDGET_CAPACITY

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
