"""The oracle of real nodes does what can be known to be best."""

from __future__ import annotations

from random import Random

from bench.strategy_load import Broken, Order, oracle_of
from bench.strategy_lone_oracle import LoneOracle
from broker.discovery.registry import Endpoint
from broker.strategies.outcome import Outcome

PLACES = 2
WORK_SECONDS = 0.02
NEAR = [Endpoint(f"messier-near-{number}", "strategy.work", "near", True, False) for number in (1, 2)]
FAR = [Endpoint("messier-far-1", "strategy.work", "far", True, False)]


def oracle(*, broken: str = "", far_seconds: float = 0.03) -> LoneOracle:
    found = LoneOracle(
        concurrency={"near": PLACES, "far": PLACES},
        work_seconds=WORK_SECONDS,
        is_well=lambda node: node != broken,
        random=Random(1),
    )
    found.path_seconds = {"near": 0.002, "far": far_seconds}
    return found


def test_it_fills_the_places_of_the_near_region_evenly_before_it_lets_any_call_wait() -> None:
    strategy = oracle(far_seconds=0.2)
    for _ in range(PLACES * len(NEAR)):
        chosen = strategy.choose(NEAR + FAR)
        assert chosen in NEAR
        strategy.started(chosen)
    assert all(strategy._in_flight[each.node] == PLACES for each in NEAR)


def test_it_goes_farther_once_waiting_takes_longer_than_the_way() -> None:
    strategy = oracle(far_seconds=0.03)
    for _ in range(PLACES * len(NEAR)):
        strategy.started(strategy.choose(NEAR))
    # One more waits for half of the work, which counts three times: 30 ms, and 28 more are the way.
    assert strategy.choose(NEAR + FAR) in FAR
    strategy.finished(NEAR[0], 0.02, Outcome.ANSWERED)
    assert strategy.choose(NEAR + FAR) is NEAR[0]


def test_it_never_asks_a_broken_node_while_another_is_well() -> None:
    strategy = oracle(broken=NEAR[0].node)
    for _ in range(20):
        chosen = strategy.choose(NEAR)
        assert chosen is NEAR[1]
        strategy.started(chosen)


def test_a_node_is_well_until_the_moment_at_which_it_breaks() -> None:
    now_seconds = 0.0
    order = Order(
        strategy="oracle",
        seed=1,
        calls_per_second=1,
        seconds=1,
        work_seconds=WORK_SECONDS,
        nodes=2,
        concurrency={"near": 2},
        broken=Broken(node="near-1", at_seconds=3),
    )
    strategy = oracle_of(order, lambda: now_seconds)
    for each in (NEAR[0], NEAR[0]):
        strategy.finished(each, 0.02, Outcome.ANSWERED)  # emptier than the other
    assert strategy.choose(NEAR) is NEAR[0]
    now_seconds = 3.0
    assert strategy.choose(NEAR) is NEAR[1]
