"""The situations of the scoreboard. What is measured in each, and what is wanted of it, is in `strategy_goals.py`."""

from __future__ import annotations

from bench.strategy_maps import FAR, MIDDLE, NEAR, seven, three
from bench.strategy_scenario import Event, Scenario
from bench.strategy_world import Mode, Size, World
from lab.wan.map import CITIES

SMALL = Size(nodes=3, concurrency=4, queue_capacity=16)
"""Such a region carries 600 calls a second of 20 ms."""
MEDIUM = Size(nodes=3, concurrency=16, queue_capacity=64)
LARGE = Size(nodes=3, concurrency=64, queue_capacity=256)
"""As nodes are by default: with work of 50 ms, a region of them carries 3,840 calls a second."""
BREAKS_AT_SECONDS = 5.0
JOINS_AT_SECONDS = 6.0
SICK = f"{NEAR}-1"
STEP_SECONDS = 0.1
"""How far away the near region is after the step: between the two others."""


def _three_of(size: Size) -> dict[str, Size]:
    return {NEAR: size, MIDDLE: size, FAR: size}


def _becomes(mode: Mode) -> Event:
    def happens(world: World) -> None:
        world.nodes[SICK].mode = mode

    return Event(BREAKS_AT_SECONDS, happens)


def _moves_away(world: World) -> None:
    world.rtt_seconds[NEAR, NEAR] = STEP_SECONDS


def _joins(world: World) -> None:
    world.join(NEAR)


STEADY = Scenario("steady", _three_of(SMALL), three(), [NEAR], 300, 22.0)
STEADY_SEVEN = Scenario("steady, 7 regions", dict.fromkeys(CITIES, SMALL), seven(), ["california"], 300, 22.0)
OVERLOAD = Scenario("near region at 1.7 x", _three_of(SMALL), three(), [NEAR], 1_020, 12.0)
FAILING = Scenario(
    "node fails fast", _three_of(MEDIUM), three(), [NEAR], 1_000, 15.0, events=[_becomes(Mode.UNAVAILABLE)]
)
DEFECTIVE = Scenario(
    "node fails fast, internal", _three_of(MEDIUM), three(), [NEAR], 1_000, 15.0, events=[_becomes(Mode.INTERNAL)]
)
SILENT = Scenario("node drops silently", _three_of(SMALL), three(), [NEAR], 300, 20.0, events=[_becomes(Mode.SILENT)])
STEP = Scenario(
    "delay steps", _three_of(SMALL), three(), [NEAR], 300, 20.0, events=[Event(BREAKS_AT_SECONDS, _moves_away)]
)
HEALED = Scenario(
    "region heals",
    _three_of(SMALL),
    three(),
    [NEAR],
    300,
    22.0,
    events=[Event(JOINS_AT_SECONDS, _joins)],
    absent=[NEAR],
)
MANY_CALLERS = Scenario("50 callers", _three_of(LARGE), three(), [NEAR] * 50, 2_900, 6.0, work_seconds=0.05)
TWO_CALLERS = Scenario("two callers", _three_of(SMALL), three(), [NEAR, FAR], 600, 12.0)
