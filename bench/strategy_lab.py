"""Whether the scoreboard's first rows hold with real processes: nodes, hubs and a caller in regions that the WAN
laboratory holds apart, and the same scenarios in the model beside.

Both are half as large as on the scoreboard, places and calls alike, so that neither the caller nor what delays the
packets is busy. The oracle calls real nodes as well, by turns with ours, and goals that name it are compared with it.
The model's paths take what the real mesh's pings took.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import attrgetter
from statistics import median

from rich.progress import Progress

from bench import strategy_scenarios as scenarios
from bench.report import OURS, Report, Row
from bench.strategy import row
from bench.strategy_goals import LINES, REGIONS, Line
from bench.strategy_load import Account, Broken, Noted, Order
from bench.strategy_maps import NEAR
from bench.strategy_readings import Readings
from bench.strategy_regions import Break, Nodes, nodes, regions
from bench.strategy_run import ORACLE, Run
from bench.strategy_scenario import Scenario
from bench.strategy_scenarios import BREAKS_AT_SECONDS, SICK
from bench.strategy_world import Mode, Size
from broker.strategies.names import FASTEST
from lab.trial import Trial
from lab.wan.validity import Verdict

ROUNDS = 3
SIMULATED, SIMULATED_ORACLE = f"{OURS}, simulated", f"{ORACLE}, simulated"
BASELINES = ("round-robin", "moleculer-latency", "local-first")
"""Each goes through the first seed only: they are there to be compared with, not to be confirmed."""
CONTENDERS = (OURS, ORACLE, SIMULATED, SIMULATED_ORACLE, *BASELINES)
BUSIEST, ROUND_TRIPS = "busiest run", "round trips by the mesh's pings"
SHARE_UNIT = "% of a core"


@dataclass(frozen=True)
class Stage:
    """A line of the scoreboard, and what breaks in it."""

    line: Line
    mode: Mode | None = None

    @property
    def sizes(self) -> Mapping[str, Size]:
        return self.line.scenario.sizes

    @property
    def breaks(self) -> Break | None:
        return None if self.mode is None else Break(SICK, self.mode, BREAKS_AT_SECONDS)


def halved(scenario: Scenario, seconds: float) -> Line:
    """Its line of the scoreboard, for a smaller machine and a shorter time."""
    line = next(line for line in LINES if line.scenario is scenario)
    sizes = {
        region: Size(size.nodes, size.concurrency // 2, size.queue_capacity // 2)
        for region, size in scenario.sizes.items()
    }
    return replace(
        line,
        scenario=replace(scenario, sizes=sizes, calls_per_second=scenario.calls_per_second / 2, seconds=seconds),
    )


STAGES = (
    Stage(halved(scenarios.STEADY, 10.0)),
    Stage(halved(scenarios.OVERLOAD, 10.0)),
    Stage(halved(scenarios.SILENT, 13.0), Mode.SILENT),
    Stage(halved(scenarios.FAILING, 15.0), Mode.UNAVAILABLE),
    Stage(halved(scenarios.DEFECTIVE, 15.0), Mode.INTERNAL),
)
"""Those with nodes of the same size follow each other, so that they have the same nodes."""


class RealRun(Readings):
    """What became of a load that real nodes served."""

    def __init__(self, scenario: Scenario, account: Account, verdict: Verdict) -> None:
        super().__init__(scenario, [account.calls], busy_share(scenario, account.calls), {})
        self.round_trips_seconds = account.round_trips_seconds
        self.verdict = verdict


def busy_share(scenario: Scenario, calls: Iterable[Noted]) -> Mapping[str, float]:
    """Of each region's places, by the work of calls that were answered: what was done for nothing does not count."""
    since, until = scenario.counted_from_seconds, scenario.seconds
    work_seconds: defaultdict[str, float] = defaultdict(float)
    for call in calls:
        if call.done_at_seconds is not None and since <= call.done_at_seconds < until and call.error is None:
            work_seconds[call.node.rpartition("-")[0]] += call.work_seconds
    return {
        region: work_seconds[region] / (size.nodes * size.concurrency * (until - since))
        for region, size in scenario.sizes.items()
    }


def order_of(stage: Stage, contender: str, seed: int) -> Order:
    scenario, breaks = stage.line.scenario, stage.breaks
    return Order(
        strategy=FASTEST if contender == OURS else contender,
        seed=seed,
        calls_per_second=scenario.calls_per_second,
        seconds=scenario.seconds,
        work_seconds=scenario.work_seconds,
        nodes=sum(size.nodes for size in stage.sizes.values()),
        concurrency={region: size.concurrency for region, size in stage.sizes.items()},
        broken=Broken(node=breaks.node, at_seconds=breaks.at_seconds) if breaks else None,
    )


def real_run(there: Nodes, stage: Stage, contender: str, seed: int) -> RealRun:
    account, verdict = there.load(order_of(stage, contender, seed), stage.breaks)
    return RealRun(stage.line.scenario, account, verdict)


def run(rounds: int = ROUNDS, stages: Sequence[Stage] = STAGES, baselines: Sequence[str] = BASELINES) -> Report:
    """Needs root."""
    turns = [(name, seed) for seed in range(rounds) for name in (OURS, ORACLE)] + [(name, 0) for name in baselines]
    with regions() as trial, Progress(transient=True) as progress:
        bar = progress.add_task("real processes", total=len(stages) * len(turns))
        found: list[tuple[Stage, str, int, RealRun]] = []
        for each in _real_runs(trial, stages, turns):
            found.append(each)
            progress.advance(bar)
    return report(rounds, stages, found)


def _real_runs(
    trial: Trial, stages: Sequence[Stage], turns: Sequence[tuple[str, int]]
) -> Iterator[tuple[Stage, str, int, RealRun]]:
    for sizes, of_size in groupby(stages, key=attrgetter("sizes")):
        with nodes(trial, sizes) as there:
            for stage in of_size:
                for contender, seed in turns:
                    yield stage, contender, seed, real_run(there, stage, contender, seed)


def report(rounds: int, stages: Sequence[Stage], found: Sequence[tuple[Stage, str, int, RealRun]]) -> Report:
    """Figures of valid runs, and of the model; runs that were not valid are absent, and why."""
    rows: list[Row] = []
    absent = {
        f"{stage.line.scenario.name}, {contender}, seed {seed}": "; ".join(each.verdict.reasons)
        for stage, contender, seed, each in found
        if not each.verdict.valid
    }
    paths_seconds = round_trips_seconds([each for *_, each in found])
    for stage in stages:
        modelled = replace(
            stage.line.scenario, round_trips={(NEAR, region): seconds for region, seconds in paths_seconds.items()}
        )
        runs: defaultdict[str, list[Readings]] = defaultdict(list)
        for of_stage, contender, _, each in found:
            if of_stage is stage and each.verdict.valid:
                runs[contender].append(each)
        for name, simulated in ((SIMULATED, OURS), (SIMULATED_ORACLE, ORACLE)):
            runs[name] = [Run(modelled, simulated, seed) for seed in range(rounds)]
        rows += [
            row(stage.line, figure, name, [figure.read(each) for each in of_name])
            for figure in stage.line.figures
            for name, of_name in runs.items()
        ]
    rows += (Row(ROUND_TRIPS, region, round(1000 * each, 2), "ms", False) for region, each in paths_seconds.items())
    return Report("strategy-lab", rounds, [*rows, *_busiest(each.verdict for *_, each in found)], absent)


def round_trips_seconds(runs: Sequence[RealRun]) -> Mapping[str, float]:
    """To each region: the median of all runs."""
    return {region: median(run.round_trips_seconds[region] for run in runs) for region in REGIONS}


def _busiest(verdicts: Iterable[Verdict]) -> Iterator[Row]:
    shares: defaultdict[str, float] = defaultdict(float)
    for verdict in verdicts:
        for name, share in verdict.shares.items():
            shares[name] = max(shares[name], share)
    return (Row(BUSIEST, name, round(100 * share, 1), SHARE_UNIT, False) for name, share in shares.items())
