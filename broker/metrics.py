"""What a node counts. One registry a node, so that several nodes in one process do not mix."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

OK = "ok"
UNKNOWN_ACTION = "unknown"
"""Callers choose action names; those that nobody serves share one label."""
BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._calls = self._counter("calls", "Calls made, by outcome", "action", "code")
        self._call_seconds = self._histogram("call_seconds", "Time until a call was answered", "action")
        self._repeats = self._counter("call_repeats", "Attempts beyond a call's first", "action", "code")
        self._requests = self._counter("requests", "Requests served, by outcome", "action", "code")
        self._request_seconds = self._histogram("request_seconds", "Time to serve a request, with its wait", "action")
        self._events = self._counter("events", "Events", "event", "outcome")
        self._packets_refused = self._counter("packets_refused", "Packets that were not understood", "kind")
        self.late_answers = Counter(
            "localgroup_late_answers", "Answers that nobody waited for any more", registry=self.registry
        )
        self.requests_running = Gauge("localgroup_requests_running", "Requests being worked on", registry=self.registry)
        self.requests_waiting = Gauge(
            "localgroup_requests_waiting", "Requests waiting for their turn", registry=self.registry
        )
        self.connected = Gauge("localgroup_connected", "1 while connected to the mesh", registry=self.registry)

    def call(self, action: str, code: str, seconds: float) -> None:
        self._calls.labels(action, code).inc()
        self._call_seconds.labels(action).observe(seconds)

    def repeat(self, action: str, code: str) -> None:
        self._repeats.labels(action, code).inc()

    def request(self, action: str, code: str, seconds: float) -> None:
        self._requests.labels(action, code).inc()
        self._request_seconds.labels(action).observe(seconds)

    def event(self, event: str, outcome: str) -> None:
        self._events.labels(event, outcome).inc()

    def packet_refused(self, kind: str) -> None:
        self._packets_refused.labels(kind).inc()

    def exposition(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"localgroup_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        return Histogram(f"localgroup_{name}", text, labels, registry=self.registry, buckets=BUCKETS_SECONDS)
