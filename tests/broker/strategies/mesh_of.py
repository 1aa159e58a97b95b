"""Endpoints for tests of strategies."""

from __future__ import annotations

from random import Random

from broker.discovery.registry import Endpoint
from broker.strategies.fastest import Fastest
from broker.strategies.outcome import Outcome
from broker.testing import FakeClock
from broker.wire.load import Load

ACTION = "x.y"
SERVICE_SECONDS = 0.02
RTT_SECONDS = {"west": 0.002, "central": 0.04, "east": 0.12}
IDLE = Load(0, 0, SERVICE_SECONDS, 0.0)


def endpoint(node: str, region: str, *, local: bool = False) -> Endpoint:
    return Endpoint(node, ACTION, region, True, local)


def nodes(region: str, count: int) -> tuple[Endpoint, ...]:
    return tuple(endpoint(f"{region}-{number}", region) for number in range(count))


class Caller:
    """Asks by a strategy, one call at a time."""

    def __init__(self, seed: int = 1) -> None:
        self.clock = FakeClock()
        self.strategy = Fastest("west", self.clock.now, Random(seed))
        self.candidates = tuple(each for region in RTT_SECONDS for each in nodes(region, 3))

    def measure(self) -> None:
        for region, rtt_seconds in RTT_SECONDS.items():
            self.strategy.measured(f"{region}-0", region, rtt_seconds)

    async def ask(self, times: int = 1) -> list[str]:
        """The nodes that were chosen; each answers as it should."""
        chosen = []
        for _ in range(times):
            each = self.strategy.choose(self.candidates)
            await self.finish(each)
            chosen.append(each.node)
        return chosen

    async def finish(
        self,
        endpoint: Endpoint,
        service_seconds: float = SERVICE_SECONDS,
        outcome: Outcome = Outcome.ANSWERED,
        load: Load | None = IDLE,
    ) -> None:
        seconds = RTT_SECONDS[endpoint.region] + service_seconds
        self.strategy.started(endpoint)
        await self.clock.advance(seconds)
        told = None if load is None else load._replace(service_seconds=service_seconds)
        self.strategy.finished(endpoint, seconds, outcome, told)
