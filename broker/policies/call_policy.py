"""How calls are made, unless a caller says otherwise: each part of it is one policy, and has its own file.

    broker.call(TERM, request)                                        # all of this, with these values
    broker.call(TERM, request, policy=CallPolicy(hedge=False))        # for one call
    Broker(config, transport, policies={"courses.term": CallPolicy(deadline_seconds=1.0)})  # for an action

What the *server* of an action does for it (bulkhead, rate limit, cache, fallback, idempotency) is declared where the
action is implemented, see `service.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from broker.config import DEADLINE_SECONDS

ATTEMPTS_MAX = 5
"""Nodes asked one after another. If so many fail in a row, the next will too."""


@dataclass(frozen=True, slots=True)
class CallPolicy:
    deadline_seconds: float = DEADLINE_SECONDS
    """Of a whole call with its repeats, if the caller does not say. A handler's calls end with its own deadline."""
    attempts_max: int = ATTEMPTS_MAX
    """1: no repeats. A node that had just withdrawn the action does not count."""
    hedge: bool = True
    """Ask a second node when the first is slower than usual; only safe actions are."""
    hedge_after_seconds: float | None = None
    """None: when 97 of 100 recent calls of the action would have been answered."""

    def __post_init__(self) -> None:
        if self.deadline_seconds <= 0 or self.attempts_max < 1:
            raise ValueError("a call needs some time and one attempt at least")


DEFAULT = CallPolicy()
