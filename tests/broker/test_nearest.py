from __future__ import annotations

from collections import Counter
from random import Random

from broker.nearest import Nearest
from broker.registry import Endpoint


def endpoint(node: str, region: str, *, local: bool = False) -> Endpoint:
    return Endpoint(node, "x.y", region, True, local)


def nearest(rtt_seconds: dict[str, float], in_flight: dict[str, int]) -> Nearest:
    return Nearest("west", rtt_seconds.get, lambda node: in_flight.get(node, 0), Random(1))


def test_prefers_itself_then_its_region() -> None:
    strategy = nearest({"far": 0.001, "near": 0.1}, {})
    own, near, far = endpoint("own", "west", local=True), endpoint("near", "west"), endpoint("far", "east")
    assert strategy.choose([far, near, own]) == own
    assert strategy.choose([far, near]) == near


def test_goes_to_the_region_that_answers_fastest_and_to_unknown_ones_last() -> None:
    strategy = nearest({"east-1": 0.09, "central-1": 0.03}, {})
    east, central, unknown = endpoint("east-1", "east"), endpoint("central-1", "central"), endpoint("moon-1", "moon")
    assert strategy.choose([east, unknown, central]) == central
    assert strategy.choose([unknown, east]) == east
    assert strategy.choose([unknown]) == unknown


def test_chooses_among_all_nodes_of_a_region_even_unmeasured_ones() -> None:
    strategy = nearest({"east-1": 0.09}, {})
    candidates = [endpoint("east-1", "east"), endpoint("east-2", "east"), endpoint("moon-1", "moon")]
    assert {strategy.choose(candidates).node for _ in range(50)} == {"east-1", "east-2"}


def test_prefers_the_less_busy_of_two() -> None:
    strategy = nearest({}, {"one": 5, "two": 1})
    assert {strategy.choose([endpoint("one", "west"), endpoint("two", "west")]).node for _ in range(20)} == {"two"}


def test_spreads_calls_over_equally_busy_nodes() -> None:
    strategy = nearest({}, {})
    nodes = [endpoint(str(number), "west") for number in range(4)]
    counts = Counter(strategy.choose(nodes).node for _ in range(400))
    assert min(counts.values()) > 50
