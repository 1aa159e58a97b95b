"""What the strategy of ours promises, one caller at a time; `tests/bench/test_strategy.py` has whole meshes."""

from __future__ import annotations

import sys
from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.discovery.registry import Endpoint
from broker.strategies.fastest import NODES_MAX, Fastest
from broker.strategies.outcome import Outcome
from broker.strategies.paths import STALE_SECONDS
from broker.strategies.ramp import RAMP_SECONDS, START_SECONDS
from broker.testing import FakeClock
from broker.wire.load import Load
from tests.broker.strategies.mesh_of import IDLE, RTT_SECONDS, SERVICE_SECONDS, Caller, endpoint, nodes

FAILURES = (Outcome.FAILED, Outcome.TIMED_OUT)


async def known(seed: int = 1) -> Caller:
    caller = Caller(seed)
    caller.measure()
    await caller.ask(60)
    return caller


def node_of(caller: Caller, name: str) -> Endpoint:
    return next(each for each in caller.candidates if each.node == name)


def choices(caller: Caller, times: int = 300) -> Counter[str]:
    """Without asking them."""
    return Counter(caller.strategy.choose(caller.candidates).node for _ in range(times))


async def test_asks_the_nearest_region_and_all_of_its_nodes() -> None:
    caller = await known()
    assert set(await caller.ask(60)) == {"west-0", "west-1", "west-2"}


async def test_asks_a_farther_region_when_the_nearest_works_too_slowly() -> None:
    caller = await known()
    for _ in range(20):
        for name in ("west-0", "west-1", "west-2"):
            await caller.finish(node_of(caller, name), 0.2)
    assert {name.partition("-")[0] for name in choices(caller)} == {"central"}


@pytest.mark.parametrize("outcome", FAILURES)
async def test_a_node_that_fails_fast_never_looks_fast(outcome: Outcome) -> None:
    caller = await known()
    for _ in range(3):
        await caller.finish(node_of(caller, "west-1"), 0.0005, outcome, None)
    assert "west-1" not in choices(caller)
    score = next(each for each in caller.strategy.explain(caller.candidates) if each.node == "west-1")
    assert score.seconds >= 1.0


async def test_a_node_that_failed_is_asked_by_one_call_at_a_time_until_it_answers() -> None:
    caller = await known()
    sick = node_of(caller, "west-1")
    for _ in range(4):
        await caller.finish(sick, 0.0005, Outcome.FAILED, None)
    await caller.clock.advance(60)
    assert choices(caller)["west-1"] > 0
    caller.strategy.started(sick)
    assert choices(caller)["west-1"] == 0


async def test_many_overdue_answers_alone_do_not_send_a_node_back_to_the_start() -> None:
    caller = await known()
    for _ in range(20):
        caller.strategy.overdue(node_of(caller, "west-1"))
    assert "west-1" not in choices(caller)
    for _ in range(6):
        await caller.finish(node_of(caller, "west-1"))
    assert choices(caller)["west-1"] > 50


async def test_a_hot_node_is_asked_after_all_that_have_a_place_free() -> None:
    caller = await known()
    for name in ("west-0", "west-1"):
        await caller.finish(node_of(caller, name), load=Load(4, 3, SERVICE_SECONDS, 0.0))
    found = choices(caller)
    assert found["west-2"] > found["west-0"] + found["west-1"]


async def test_a_full_region_is_left_before_its_queues_are_as_long_as_the_way_to_the_next() -> None:
    caller = await known()
    for name in ("west-0", "west-1", "west-2"):
        await caller.finish(node_of(caller, name), load=Load(4, 4, SERVICE_SECONDS, 0.0))
    wait_seconds = 5 / 4 * SERVICE_SECONDS
    assert wait_seconds < RTT_SECONDS["central"] - RTT_SECONDS["west"]
    assert {name.partition("-")[0] for name in choices(caller)} == {"central"}


async def test_a_node_that_comes_back_gets_its_share_little_by_little() -> None:
    caller = await known()
    await caller.clock.advance(START_SECONDS)
    caller.strategy.left("west-1")
    caller.strategy.joined("west-1")
    early = choices(caller, 1000)["west-1"]
    await caller.clock.advance(RAMP_SECONDS / 2)
    halfway = choices(caller, 1000)["west-1"]
    await caller.clock.advance(RAMP_SECONDS)
    assert early < 60
    assert early < halfway < choices(caller, 1000)["west-1"]


async def test_nodes_that_were_there_from_the_start_do_not_ramp_up() -> None:
    caller = Caller()
    caller.strategy.joined("west-1")
    caller.measure()
    assert choices(caller)["west-1"] > 50


async def test_asks_for_a_ping_of_an_idle_region_once_a_second_at_most() -> None:
    caller = await known()
    await caller.clock.advance(STALE_SECONDS)
    first = caller.strategy.probes_wanted(caller.candidates)
    assert {name.partition("-")[0] for name in first} == set(RTT_SECONDS)
    await caller.clock.advance(STALE_SECONDS * 0.9)
    assert caller.strategy.probes_wanted(caller.candidates) == []
    await caller.clock.advance(STALE_SECONDS * 0.2)
    assert len(caller.strategy.probes_wanted(caller.candidates)) == 3


async def test_calls_are_pings_enough() -> None:
    caller = await known()
    await caller.clock.advance(STALE_SECONDS)
    await caller.ask()
    wanted = caller.strategy.probes_wanted(caller.candidates)
    assert {name.partition("-")[0] for name in wanted} == {"central", "east"}


def test_callers_do_not_all_choose_the_same() -> None:
    first = [Caller(seed).strategy.choose(nodes("west", 5)).node for seed in range(30)]
    assert len(set(first)) == 5


def test_callers_turn_away_from_a_queue_at_different_lengths() -> None:
    waits = set()
    for seed in range(10):
        caller = Caller(seed)
        sought = node_of(caller, "west-0")
        caller.strategy.started(sought)
        caller.strategy.finished(sought, SERVICE_SECONDS, Outcome.ANSWERED, Load(4, 4, SERVICE_SECONDS, 0.0))
        waits.add(next(each.wait_seconds for each in caller.strategy.explain([sought])))
    assert len(waits) == 10


def test_stays_in_its_region_where_another_is_as_near() -> None:
    caller = Caller()
    for region, rtt_seconds in (("west", 0.002), ("central", 0.0005), ("east", 0.001)):
        caller.strategy.measured(f"{region}-0", region, rtt_seconds)
    assert {name.partition("-")[0] for name in choices(caller)} == {"west"}


def test_prefers_itself_to_a_region_of_which_nothing_is_known() -> None:
    caller = Caller()
    here = endpoint("here", "west", local=True)
    assert {caller.strategy.choose((here, *nodes("moon", 3))).node for _ in range(50)} == {"here"}


def test_remembers_so_many_nodes_and_no_more() -> None:
    clock = FakeClock()
    strategy = Fastest("west", clock.now, Random(1))
    for number in range(NODES_MAX + 50):
        strategy.started(endpoint(f"node-{number}", "west"))
    assert len(strategy._records) == NODES_MAX


async def test_what_is_remembered_of_a_node_does_not_grow_with_calls() -> None:
    caller = await known()
    before = _bytes_of(caller, "west-0")
    await caller.ask(3000)
    assert _bytes_of(caller, "west-0") == before


def _bytes_of(caller: Caller, name: str) -> int:
    record = caller.strategy._records[name]
    assert not hasattr(record, "__dict__")
    assert not any(isinstance(getattr(record, slot), (list, dict, set)) for slot in record.__slots__)
    return sys.getsizeof(record) + sys.getsizeof(record.suspicion)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from(["west-0", "central-1", "east-2"]), st.floats(0, 10)), max_size=30))
async def test_expected_times_are_never_negative_and_never_less_than_the_path(steps: list[tuple[str, float]]) -> None:
    caller = Caller()
    caller.measure()
    for name, seconds in steps:
        await caller.finish(node_of(caller, name), seconds, load=IDLE)
    for score in caller.strategy.explain(caller.candidates):
        assert min(score.service_seconds, score.wait_seconds, score.penalty_seconds) >= 0
        assert score.seconds >= score.path_seconds >= 0
