"""What the edge counts: requests by route, status and cache outcome, and how long they took."""

from __future__ import annotations

from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

LATENCY_BUCKETS_SECONDS = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""From an answer out of memory to the deadline of a call."""

UNMATCHED = "unmatched"
"""The label of paths that do not exist: they are strangers' text, and have no place in a label."""


class EdgeMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "localgroup_http_requests",
            "Requests answered, by route, status and what the edge cache did.",
            ["route", "status", "cache"],
            registry=registry,
        )
        self._seconds = Histogram(
            "localgroup_http_request_seconds",
            "From the end of a request's headers to its answer.",
            ["route"],
            buckets=LATENCY_BUCKETS_SECONDS,
            registry=registry,
        )
        self.cache_bytes = Gauge("localgroup_edge_cache_bytes", "Bytes held.", ["cache"], registry=registry)
        self.evictions = Counter(
            "localgroup_edge_cache_evictions", "Pages dropped to stay in bounds.", ["cache"], registry=registry
        )
        self.refusals = Counter(
            "localgroup_http_refusals", "Requests refused before they were complete.", ["status"], registry=registry
        )
        # Looking a child up by its labels takes longer than counting; there are few of them.
        self._count = lru_cache(maxsize=1_024)(self._requests.labels)
        self._time = lru_cache(maxsize=128)(self._seconds.labels)

    def answered(self, route: str, status: int, cache: str, seconds: float) -> None:
        self._count(route, status, cache).inc()
        self._time(route).observe(seconds)
