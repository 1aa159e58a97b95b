"""A cache policy for any tier: bounded in bytes, computed once, never older than the last invalidation.

An answer whose key was invalidated while it was being computed still goes to those who asked before that, and is
not kept. Whoever asks after an invalidation never joins a computation that began before it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge

from broker.cache.bounded_memory import BoundedMemoryCache
from broker.cache.single_flight import SingleFlight
from broker.clock import Clock


@dataclass(frozen=True, slots=True)
class Computed:
    """What a computation answers; `storable` is false for what is good for now but must not be kept. `old_seconds`: how
    long ago such an answer was true at least, where somebody knows."""

    value: bytes
    storable: bool = True
    old_seconds: float | None = None


class CacheMetrics:
    """Every cache of a process, told apart by the label `cache`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.hits = Counter("localgroup_cache_hits", "Answers found.", ["cache"], registry=registry)
        self.misses = Counter("localgroup_cache_misses", "Answers not found.", ["cache"], registry=registry)
        self.computations = Counter("localgroup_cache_computations", "Answers computed.", ["cache"], registry=registry)
        self.evictions = Counter(
            "localgroup_cache_evictions", "Answers dropped to stay in bounds.", ["cache"], registry=registry
        )
        self.stale = Counter(
            "localgroup_cache_stale", "Old answers given while new ones were computed.", ["cache"], registry=registry
        )
        self.failures = Counter(
            "localgroup_cache_failures", "Times that the store of a cache failed.", ["cache"], registry=registry
        )
        self.size_bytes = Gauge("localgroup_cache_bytes", "Bytes held.", ["cache"], registry=registry)


class Cache:
    """`name` is its label in the metrics."""

    def __init__(
        self,
        name: str,
        *,
        capacity_bytes: int,
        ttl_seconds: float,
        metrics: CacheMetrics,
        clock: Clock | None = None,
    ) -> None:
        self._ttl_seconds = ttl_seconds
        self._flights = SingleFlight[Computed]()
        self._current: dict[str, object] = {}
        self._hits = metrics.hits.labels(name)
        self._misses = metrics.misses.labels(name)
        self._computations = metrics.computations.labels(name)
        self._store = BoundedMemoryCache(
            capacity_bytes=capacity_bytes, clock=clock, on_eviction=metrics.evictions.labels(name).inc
        )
        metrics.size_bytes.labels(name).set_function(lambda: self._store.size_bytes)

    async def get_or_compute(
        self, key: str, compute: Callable[[], Awaitable[Computed]], *, ttl_seconds: float | None = None
    ) -> Computed:
        """`compute` runs in a task of its own, so its deadline must not be that of the caller who happens to begin."""
        found = await self._store.get(key)
        if found is not None:
            self._hits.inc()
            return Computed(found)
        self._misses.inc()
        return await self._flights.run(key, lambda: self._compute(key, compute, ttl_seconds or self._ttl_seconds))

    def invalidate(self, key: str) -> None:
        self._current.pop(key, None)
        self._flights.forget(key)
        self._store.discard(key)

    def clear(self) -> None:
        self._current.clear()
        self._flights.forget_all()
        self._store.discard_all()

    async def _compute(self, key: str, compute: Callable[[], Awaitable[Computed]], ttl_seconds: float) -> Computed:
        """The mark in `_current` is gone, or another's, if the key was invalidated meanwhile."""
        mark = self._current[key] = object()
        self._computations.inc()
        try:
            computed = await compute()
            if computed.storable and self._current.get(key) is mark:
                await self._store.set(key, computed.value, ttl=ttl_seconds)
        finally:
            if self._current.get(key) is mark:
                del self._current[key]
        return computed
