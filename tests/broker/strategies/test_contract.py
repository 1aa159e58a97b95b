"""What every strategy promises, whatever it is told."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.discovery.registry import Endpoint
from broker.strategies.names import STRATEGIES, Place, named
from broker.strategies.outcome import Outcome
from broker.strategies.strategy import Strategy
from broker.testing import FakeClock
from broker.wire.load import Load
from tests.broker.strategies.mesh_of import ACTION

NODES = [f"node-{number}" for number in range(8)]
REGIONS = ["west", "central", "east"]
PLACED = [Endpoint(node, ACTION, REGIONS[number % 3], True, node == "node-0") for number, node in enumerate(NODES)]

some_nodes = st.lists(st.sampled_from(PLACED), min_size=1, max_size=8, unique=True).map(tuple)
seconds = st.floats(0, 20)
loads = st.none() | st.builds(Load, st.integers(0, 300), st.integers(0, 300), seconds, seconds)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("call"), some_nodes, st.sets(st.sampled_from(NODES)), st.none() | st.text(max_size=3)),
        st.tuples(st.just("answer"), st.sampled_from(list(Outcome)), seconds, loads),
        st.tuples(st.just("overdue"), st.sampled_from(PLACED)),
        st.tuples(st.just("measured"), st.sampled_from(PLACED), seconds),
        st.tuples(st.just("comes"), st.sampled_from(NODES)),
        st.tuples(st.just("goes"), st.sampled_from(NODES)),
        st.tuples(st.just("look"), some_nodes),
    ),
    max_size=60,
)


def made(name: str, clock: FakeClock, seed: int = 1) -> Strategy:
    return named(name)(Place("west", clock.now, Random(seed)))


@pytest.fixture(params=STRATEGIES)
def strategy(request: pytest.FixtureRequest) -> Strategy:
    return made(request.param, FakeClock())


@pytest.mark.parametrize("name", STRATEGIES)
@given(steps=steps, seed=st.integers(0, 9))
def test_chooses_one_of_the_candidates_whatever_it_was_told(name: str, steps: list[tuple[Any, ...]], seed: int) -> None:
    clock = FakeClock()
    strategy = made(name, clock, seed)
    asked: list[Endpoint] = []
    for step in steps:
        match step:
            case ("call", candidates, avoided, key):
                chosen = strategy.choose(candidates, avoided, key)
                assert chosen in candidates
                assert chosen.node not in avoided or all(each.node in avoided for each in candidates)
                strategy.started(chosen)
                asked.append(chosen)
            case ("answer", outcome, passed, load) if asked:
                strategy.finished(asked.pop(0), passed, outcome, load)
            case ("overdue", endpoint):
                strategy.overdue(endpoint)
            case ("measured", endpoint, passed):
                strategy.measured(endpoint.node, endpoint.region, passed)
            case ("comes", node):
                strategy.joined(node)
            case ("goes", node):
                strategy.left(node)
            case ("look", candidates):
                names = {each.node for each in candidates}
                assert set(strategy.probes_wanted(candidates)) <= names
                assert {each.node for each in strategy.explain(candidates)} <= names


def test_takes_the_only_candidate_even_if_it_is_avoided(strategy: Strategy) -> None:
    assert strategy.choose(PLACED[2:3], {"node-2"}) == PLACED[2]


def test_never_takes_an_avoided_node_while_there_is_another(strategy: Strategy) -> None:
    avoided = {each.node for each in PLACED if each.node != "node-5"}
    assert {strategy.choose(tuple(PLACED), avoided, key).node for key in (None, *NODES)} == {"node-5"}


def test_goes_on_with_the_nodes_that_are_left(strategy: Strategy) -> None:
    for each in PLACED:
        strategy.measured(each.node, each.region, 0.001)
    left = tuple(PLACED[3:])
    for gone in PLACED[:3]:
        strategy.left(gone.node)
    assert {strategy.choose(left).node for _ in range(50)} <= {each.node for each in left}


def test_asks_nothing_of_nodes_that_it_is_not_asked_about(strategy: Strategy) -> None:
    assert set(strategy.probes_wanted(tuple(PLACED[4:6]))) <= {"node-4", "node-5"}


def test_says_which_names_there_are() -> None:
    with pytest.raises(ValueError, match="round-robin"):
        named("fastest-of-all")
