"""What a node counts. One registry a node, so that several nodes in one process do not mix."""

from __future__ import annotations

from functools import cached_property
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from broker.cache.caching import CacheMetrics
from broker.observe.tally import Tallies

OK: Final = "ok"
CANCELLED: Final = "cancelled"
"""Nobody waits for it any more; not an error."""


class Metrics:
    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._node: dict[str, str] = {}
        self.calls = self._tallies("calls", "Calls made, by outcome", "call_seconds", "Time until a call was answered")
        self.requests = self._tallies(
            "requests", "Requests served, by outcome", "request_seconds", "Time to serve a request, with its wait"
        )
        self._hedges = self._counter("call_hedges", "Second requests for answers that were slow to come", "action")
        self._repeats = self._counter("call_repeats", "Attempts beyond a call's first", "action", "code")
        self._events = self._counter("events", "Events", "event", "outcome")
        self._packets_refused = self._counter("packets_refused", "Packets that were not understood", "kind")
        self.late_answers = Counter(
            "localgroup_late_answers", "Answers that nobody waited for any more", registry=self.registry
        )
        self.requests_running = Gauge("localgroup_requests_running", "Requests being worked on", registry=self.registry)
        self.requests_waiting = Gauge(
            "localgroup_requests_waiting", "Requests waiting for their turn", registry=self.registry
        )
        self.calls_in_flight = Gauge(
            "localgroup_calls_in_flight", "Requests sent and not answered yet", registry=self.registry
        )
        self.nodes_ejected = Gauge(
            "localgroup_nodes_ejected", "Nodes that this one leaves alone, since they fail", registry=self.registry
        )
        self.ejections = Counter(
            "localgroup_ejections", "Times that a node was left alone, since it failed", registry=self.registry
        )
        self.connected = Gauge("localgroup_connected", "1 while connected to the mesh", registry=self.registry)

    def place(self, tier: str, region: str) -> None:
        """Labels of every call and request: those of the node that counts."""
        self._node.update(tier=tier, region=region)

    def repeat(self, action: str, code: str) -> None:
        self._repeats.labels(action, code).inc()

    @cached_property
    def caches(self) -> CacheMetrics:
        """Of all caches of this node; only one that has caches counts them."""
        return CacheMetrics(self.registry)

    def hedge(self, action: str) -> None:
        self._hedges.labels(action).inc()

    def event(self, event: str, outcome: str) -> None:
        self._events.labels(event, outcome).inc()

    def packet_refused(self, kind: str) -> None:
        self._packets_refused.labels(kind).inc()

    def exposition(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"localgroup_{name}", text, labels, registry=self.registry)

    def _tallies(self, name: str, text: str, seconds_name: str, seconds_text: str) -> Tallies:
        tallies = Tallies(f"localgroup_{name}", text, f"localgroup_{seconds_name}", seconds_text, self._node)
        self.registry.register(tallies)
        return tallies
