"""What is computed from the account of real processes."""

from __future__ import annotations

import math
from pathlib import Path
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import strategy_lab_table
from bench import strategy_scenarios as scenarios
from bench.report import OURS, Report, Row
from bench.strategy_lab import (
    BUSIEST,
    CONTENDERS,
    SIMULATED_ORACLE,
    STAGES,
    RealRun,
    Stage,
    busy_share,
    halved,
    order_of,
    report,
    round_trips_seconds,
)
from bench.strategy_load import Account, Broken, Noted, Order, trace
from bench.strategy_maps import FAR, MIDDLE, NEAR, THREE_SECONDS
from bench.strategy_node import Asked, work_seconds
from bench.strategy_regions import CALLER, ROUND_TRIPS_MS
from bench.strategy_run import ORACLE
from lab.wan.territory import of_round_trips
from lab.wan.validity import Verdict

STEADY = STAGES[0]
BROKEN = next(stage for stage in STAGES if stage.mode is not None)
CALM = Verdict({"caller": 0.1, "forwarder": 0.2})
BUSY = Verdict({"caller": 0.1, "forwarder": 0.9})
ORDER = Order(strategy=OURS, seed=1, calls_per_second=200, seconds=10, work_seconds=0.02, nodes=9)


def noted(
    at_seconds: float, *sent: str, took_seconds: float = 0.02, error: str | None = None, node: str | None = None
) -> Noted:
    return Noted(
        made_at_seconds=at_seconds,
        sent=[(at_seconds, each) for each in sent],
        done_at_seconds=at_seconds + took_seconds,
        error=error,
        node="" if error else node or sent[-1],
        work_seconds=0.0 if error else took_seconds,
    )


def run_of(*calls: Noted, verdict: Verdict = CALM, near_seconds: float = 0.003) -> RealRun:
    trips = {NEAR: near_seconds, MIDDLE: 0.041, FAR: 0.121}
    return RealRun(STEADY.line.scenario, Account(calls=list(calls), round_trips_seconds=trips), verdict)


def test_a_stage_is_half_of_its_line_and_offers_each_place_as_much() -> None:
    for scenario in (scenarios.STEADY, scenarios.OVERLOAD, scenarios.SILENT, scenarios.FAILING):
        half = halved(scenario, 10.0).scenario
        for region, size in scenario.sizes.items():
            assert half.sizes[region].concurrency * 2 == size.concurrency
            assert (
                half.calls_per_second / half.sizes[region].concurrency == scenario.calls_per_second / size.concurrency
            )


def test_what_breaks_breaks_while_its_consequences_can_be_read() -> None:
    for stage in STAGES:
        breaks = stage.breaks
        assert (breaks is None) == (not stage.line.scenario.events)
        assert breaks is None or breaks.at_seconds + 5 < stage.line.scenario.seconds


def test_the_whole_way_to_a_region_is_as_long_as_in_the_model() -> None:
    for region in (MIDDLE, FAR):
        through_the_near_hub = ROUND_TRIPS_MS[CALLER, NEAR] + ROUND_TRIPS_MS[NEAR, region]
        assert through_the_near_hub == pytest.approx(1000 * THREE_SECONDS[region])


def test_a_place_of_clients_is_a_site_without_servers(tmp_path: Path) -> None:
    territory = of_round_trips(("near", "far"), {("caller", "near"): 2.0}, places=("caller",))
    assert [region.name for region in territory.regions] == ["near", "far"]
    sites = {site.name: site for site in territory.plan(tmp_path).sites}
    assert sites["caller"].namespace == territory.namespace("caller")
    assert len({site.number for site in sites.values()}) == len(sites)


def test_work_is_used_by_region_and_only_what_was_answered_in_time_counts() -> None:
    scenario = STEADY.line.scenario
    seconds = scenario.seconds - scenario.counted_from_seconds
    places = scenario.sizes[NEAR].nodes * scenario.sizes[NEAR].concurrency
    calls = [
        noted(1.0, "near-1", took_seconds=0.5),  # before it counts
        noted(3.0, "near-2", took_seconds=1.2),
        noted(3.0, "near-2", "far-1", took_seconds=0.6),
        noted(3.0, "near-3", error="internal"),
        noted(scenario.seconds - 0.1, "near-1", took_seconds=0.2),  # after it
    ]
    used = busy_share(scenario, calls)
    assert used == {NEAR: pytest.approx(1.2 / (places * seconds)), MIDDLE: 0, FAR: pytest.approx(used[FAR])}
    assert used[FAR] == pytest.approx(used[NEAR] / 2)


def test_figures_are_those_of_the_scoreboard() -> None:
    calls = [noted(3.0, "near-1"), noted(4.0, "near-1", "middle-1", took_seconds=0.06), noted(5.0, "far-1")]
    run = run_of(*calls)
    assert run.first_share(NEAR) == pytest.approx(2 / 3)
    assert run.extra_share() == pytest.approx(1 / 3)
    assert run.seconds(0.99) == pytest.approx(0.06)
    assert run.failed() == 0


def test_a_call_that_was_never_answered_took_for_ever() -> None:
    run = run_of(Noted(made_at_seconds=3.0, sent=[(3.0, "near-1")]))
    assert run.seconds(0.5) == math.inf


def test_a_run_that_was_too_busy_is_not_counted_and_told() -> None:
    good, bad = run_of(noted(3.0, "near-1")), run_of(noted(3.0, "far-1"), verdict=BUSY)
    found = report(1, [STEADY], [(STEADY, OURS, 0, good), (STEADY, OURS, 1, bad), (STEADY, "local-first", 0, bad)])
    shares = {row.contender: row.value for row in found.rows if row.case == "steady: to the fastest region"}
    assert shares[OURS] == 100
    assert "local-first" not in shares
    assert list(found.absent) == ["steady, localgroup, seed 1", "steady, local-first, seed 0"]
    assert "forwarder used 90% of a core" in found.absent["steady, localgroup, seed 1"]
    busiest = {row.contender: row.value for row in found.rows if row.case == BUSIEST}
    assert busiest == {"caller": 10, "forwarder": 90}


def test_the_models_paths_take_what_pings_took() -> None:
    runs = [run_of(noted(3.0, "near-1"), near_seconds=seconds) for seconds in (0.003, 0.1, 0.004)]
    assert round_trips_seconds(runs)[NEAR] == 0.004
    found = report(1, [STEADY], [(STEADY, OURS, seed, run) for seed, run in enumerate(runs)])
    far_away = report(1, [STEADY], [(STEADY, OURS, 0, runs[1])])
    oracle, slower = (
        next(row.value for row in each.rows if (row.case, row.contender) == ("steady: p50", SIMULATED_ORACLE))
        for each in (found, far_away)
    )
    assert slower > oracle + 10
    assert "4 ms to near, 41 ms to middle, 121 ms to far" in strategy_lab_table.paths(found)


@given(st.integers(0, 1000), st.integers(0, 100_000))
def test_work_is_the_same_again_and_other_at_another_node(seed: int, number: int) -> None:
    asked = Asked(seed=seed, number=number, mean_seconds=0.02)
    assert work_seconds(asked, "near-1") == work_seconds(asked, "near-1") != work_seconds(asked, "near-2")


def test_work_has_the_mean_that_was_asked_for() -> None:
    drawn = [work_seconds(Asked(seed=1, number=number, mean_seconds=0.02), "near-1") for number in range(5_000)]
    assert fmean(drawn) == pytest.approx(0.02, rel=0.03)


def test_calls_come_as_often_as_ordered_and_alike_for_every_strategy() -> None:
    moments = trace(ORDER)
    assert moments == sorted(moments)
    assert len(moments) == pytest.approx(2_000, rel=0.1)
    assert moments == trace(ORDER.model_copy(update={"strategy": "local-first"}))
    assert moments != trace(ORDER.model_copy(update={"seed": 2}))


def test_an_order_names_the_strategy_and_all_nodes() -> None:
    assert order_of(STEADY, OURS, 7).model_dump() == {
        "strategy": "fastest",
        "seed": 7,
        "calls_per_second": 150,
        "seconds": 10,
        "work_seconds": 0.02,
        "nodes": 9,
        "concurrency": {NEAR: 2, MIDDLE: 2, FAR: 2},
        "broken": None,
    }


def test_an_oracle_is_told_which_node_breaks_and_when() -> None:
    breaks = BROKEN.breaks
    assert breaks is not None
    assert order_of(BROKEN, ORACLE, 1).broken == Broken(node=breaks.node, at_seconds=breaks.at_seconds)


def full(stages: tuple[Stage, ...]) -> Report:
    rows = [
        Row(stage.line.case(figure), contender, 1.0, figure.unit, figure.higher_is_better)
        for stage in stages
        for figure in stage.line.figures
        for contender in CONTENDERS
    ]
    busiest = [Row(BUSIEST, "caller", 12.5, "% of a core", False)]
    return Report("strategy-lab", 3, [*rows, *busiest], {"steady, random, seed 0": "busy"})


def test_the_table_goes_between_its_own_marks(tmp_path: Path) -> None:
    document = tmp_path / "strategy.md"
    begin, end = strategy_lab_table.MARKS
    document.write_text(f"<!-- figures -->\nothers\n<!-- end of figures -->\n{begin}\nold\n{end}\nafter\n")
    strategy_lab_table.write(document, full(STAGES))
    text = document.read_text()
    assert text.startswith("<!-- figures -->\nothers\n<!-- end of figures -->\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "the caller used 12.5% of a core" in text
    assert "- Not valid, and not counted: steady, random, seed 0: busy." in text
    assert "| | goal | met | ours | oracle | ours, simulated | oracle, simulated |" in text


def test_a_missed_goal_is_said() -> None:
    first, *_ = strategy_lab_table.conclusions(full(STAGES))
    assert "missed: steady: to the fastest region" in str(first)


def test_a_contender_without_a_valid_run_has_no_mark() -> None:
    found = full((STEADY,))
    for missing in (OURS, ORACLE):
        without = Report(found.bench, found.rounds, [row for row in found.rows if row.contender != missing])
        assert {entry.met for entry in strategy_lab_table.entries(without, (STEADY,))} == {None}
