"""One run of one strategy through one scenario, in the model."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from random import Random

from bench.report import OURS
from bench.strategy_caller import Caller
from bench.strategy_oracle import Oracle
from bench.strategy_readings import Readings
from bench.strategy_scenario import Scenario
from bench.strategy_world import World
from broker.strategies.names import FASTEST, Place, named
from broker.strategies.strategy import Strategy

ORACLE = "oracle"
SIGMA = 0.5
"""Of the logarithm of service times: one in twenty takes twice as long as the mean."""
GRACE_SECONDS = 6.0
"""After the last call, more than its deadline: by then each has ended."""
SAMPLE_SECONDS = 0.005
"""How often nodes are looked at."""


class Run(Readings):
    def __init__(self, scenario: Scenario, contender: str, seed: int) -> None:
        self.scenario = scenario
        self.world = World(scenario.sizes, scenario.round_trips, scenario.absent, seed)
        self._looks: dict[str, list[int]] = {name: [] for name in self.world.nodes}
        self._busy_seconds_before: dict[str, float] = {}
        self.callers = [
            Caller(self.world, region, partial(self._strategy, contender, region, seed + number), seed + number)
            for number, region in enumerate(scenario.callers)
        ]
        super().__init__(scenario, [caller.calls for caller in self.callers], {}, self._looks)
        self._trace(Random(seed))
        self.world.time.run_until(scenario.counted_from_seconds)
        self._busy_seconds_before = {name: node.busy_seconds for name, node in self.world.nodes.items()}
        self._sample()
        self.world.time.run_until(scenario.seconds)
        self.busy_share = self._busy_share()
        self.world.time.run_until(scenario.seconds + GRACE_SECONDS)

    # --- running -------------------------------------------------------------------------------------------

    def _strategy(self, contender: str, region: str, seed: int, now: Callable[[], float]) -> Strategy:
        random = Random(seed)
        if contender == ORACLE:
            return Oracle(self.world, region, self.scenario.work_seconds, random)
        return named(FASTEST if contender == OURS else contender)(Place(region, now, random))

    def _trace(self, random: Random) -> None:
        """Drawn whole before anything happens, so that no strategy changes it."""
        at_seconds, location = 0.0, math.log(self.scenario.work_seconds) - SIGMA**2 / 2
        while (at_seconds := at_seconds + random.expovariate(self.scenario.calls_per_second)) < self.scenario.seconds:
            caller = self.callers[random.randrange(len(self.callers))]
            work_seconds = random.lognormvariate(location, SIGMA), random.lognormvariate(location, SIGMA)
            self.world.time.call_later(at_seconds, partial(caller.call, work_seconds))
        for event in self.scenario.events:
            self.world.time.call_later(event.at_seconds, partial(event.happens, self.world))

    def _sample(self) -> None:
        for name, node in self.world.nodes.items():
            self._looks[name].append(node.in_system)
        if self.world.time.now() < self.scenario.seconds:
            self.world.time.call_later(SAMPLE_SECONDS, self._sample)

    def _busy_share(self) -> dict[str, float]:
        """Of each region's places."""
        seconds = self.scenario.seconds - self.scenario.counted_from_seconds
        busy: dict[str, float] = dict.fromkeys(self.scenario.sizes, 0.0)
        for name, node in self.world.nodes.items():
            busy[node.region] += node.busy_seconds - self._busy_seconds_before[name]
        return {
            region: busy[region] / (size.nodes * size.concurrency * seconds)
            for region, size in self.scenario.sizes.items()
        }
