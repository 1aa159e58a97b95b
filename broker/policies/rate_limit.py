"""A rate limit for each caller of an action: a bucket of tokens, refilled steadily; an empty one refuses at once.

    @action(SEARCH, rate_limit=RateLimit(per_second=5, burst=20))

The limit is this node's own, so a service of three nodes answers up to three times as much. A refusal says when to ask
again, and is never repeated elsewhere: the next node's bucket is not there to be emptied as well.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from broker.clock import Clock
from broker.context import Context
from broker.refusals import RateLimited

CALLERS_MAX = 4_096
"""Buckets held at once; the one that was used longest ago goes first, and is nearly always full."""
ANYBODY = ""


def calling_service(context: Context) -> str:
    """Calls that no service makes, from gateways and tools, share a bucket: meta says more about them."""
    return context.caller or ANYBODY


@dataclass(frozen=True, slots=True)
class RateLimit:
    per_second: float
    burst: int | None = None
    """What a quiet caller may ask at once; None: a second's worth."""
    by: Callable[[Context], str] = calling_service
    """Who the caller is."""

    def __post_init__(self) -> None:
        if self.per_second <= 0 or self.capacity < 1:
            raise ValueError("a rate limit lets something through")

    @property
    def capacity(self) -> float:
        return float(self.burst if self.burst is not None else max(1.0, self.per_second))


class _Bucket:
    __slots__ = ("filled_at_seconds", "tokens")

    def __init__(self, tokens: float, now_seconds: float) -> None:
        self.tokens = tokens
        self.filled_at_seconds = now_seconds


class Limiter:
    """The buckets of one action."""

    def __init__(self, limit: RateLimit, clock: Clock) -> None:
        self._limit = limit
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def admit(self, context: Context) -> None:
        """Raises `RateLimited`."""
        bucket = self._bucket(self._limit.by(context))
        if bucket.tokens < 1:
            seconds = (1 - bucket.tokens) / self._limit.per_second
            raise RateLimited("too many requests", {"retry_after_seconds": round(seconds, 3)})
        bucket.tokens -= 1

    def _bucket(self, caller: str) -> _Bucket:
        now, capacity = self._clock.now(), self._limit.capacity
        bucket = self._buckets.get(caller)
        if bucket is None:
            bucket = self._buckets[caller] = _Bucket(capacity, now)
            if len(self._buckets) > CALLERS_MAX:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(caller)
        bucket.tokens = min(capacity, bucket.tokens + (now - bucket.filled_at_seconds) * self._limit.per_second)
        bucket.filled_at_seconds = now
        return bucket
