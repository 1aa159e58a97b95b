from __future__ import annotations

from collections import Counter
from random import Random

from broker.ejection import Ejections
from broker.nearest import Nearest
from broker.registry import Endpoint
from broker.testing import FakeClock
from schema.errors import Invalid, TimedOut, Unavailable


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


async def test_leaves_a_node_that_failed_alone_for_a_while() -> None:
    clock = FakeClock()
    ejections = Ejections(clock, 2.0)
    one, two = endpoint("one", "west"), endpoint("two", "west")
    ejections.note_failure("one", TimedOut("text"))
    assert ejections.admitted([one, two]) == [two]
    await clock.advance(2.0)
    assert ejections.admitted([one, two]) == [one, two]


def test_admits_all_when_all_have_failed() -> None:
    ejections = Ejections(FakeClock(), 2.0)
    ejections.note_failure("one", Unavailable("text"))
    assert [each.node for each in ejections.admitted([endpoint("one", "west")])] == ["one"]


def test_does_not_blame_a_node_for_a_wrong_request_and_forgives_after_a_success() -> None:
    ejections = Ejections(FakeClock(), 2.0)
    one, two = endpoint("one", "west"), endpoint("two", "west")
    ejections.note_failure("one", Invalid("text"))
    assert ejections.admitted([one, two]) == [one, two]
    ejections.note_failure("one", Unavailable("text"))
    ejections.note_success("one")
    assert ejections.admitted([one, two]) == [one, two]
