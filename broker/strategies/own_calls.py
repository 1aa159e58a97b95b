"""How many calls of this caller each node has in flight: what several simple strategies go by."""

from __future__ import annotations

from broker.discovery.registry import Endpoint
from broker.strategies.outcome import Outcome
from broker.strategies.strategy import Unheeding
from broker.wire.load import Load


class OwnCalls(Unheeding):
    def __init__(self) -> None:
        self._in_flight: dict[str, int] = {}
        """Only of nodes that have any."""

    def started(self, endpoint: Endpoint) -> None:
        self._in_flight[endpoint.node] = self.in_flight(endpoint) + 1

    def finished(self, endpoint: Endpoint, seconds: float, outcome: Outcome, load: Load | None = None) -> None:
        left = self.in_flight(endpoint) - 1
        if left > 0:
            self._in_flight[endpoint.node] = left
        else:
            self._in_flight.pop(endpoint.node, None)

    def in_flight(self, endpoint: Endpoint) -> int:
        return self._in_flight.get(endpoint.node, 0)
