"""Which strategy is the best choice where regions are far apart: every one of them, and an oracle, through the same
scenarios with the same luck. Only time, paths and work are simulated: callers choose, repeat, hedge and eject by the
broker's own code.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from statistics import median

from rich.progress import Progress

from bench.report import OURS, Row
from bench.strategy_goals import LINES, Figure, Line
from bench.strategy_run import ORACLE, Run
from broker.strategies.names import FASTEST, STRATEGIES

SEEDS_MIN = 5
CONTENDERS = (OURS, ORACLE, *(name for name in STRATEGIES if name != FASTEST))


def run(seeds: int = SEEDS_MIN, lines: Sequence[Line] = LINES, contenders: Sequence[str] = CONTENDERS) -> list[Row]:
    """The runs are shared among all processors; what comes out is the same with any number of them."""
    tasks = [
        (LINES.index(line), contender, seed) for line in lines for contender in contenders for seed in range(seeds)
    ]
    found: defaultdict[tuple[int, str], dict[int, Sequence[float]]] = defaultdict(dict)
    with ProcessPoolExecutor(os.cpu_count()) as pool, Progress(transient=True) as progress:
        bar = progress.add_task("strategies", total=len(tasks))
        running = {pool.submit(figures_of, *task): task for task in tasks}
        for done in as_completed(running):
            line, contender, seed = running[done]
            found[line, contender][seed] = done.result()
            progress.advance(bar)
    return [
        row(line, figure, contender, [figures[at] for figures in found[LINES.index(line), contender].values()])
        for line in lines
        for at, figure in enumerate(line.figures)
        for contender in contenders
    ]


def figures_of(line: int, contender: str, seed: int) -> Sequence[float]:
    """One run. Lines go by number, since functions cannot be sent to another process."""
    finished = Run(LINES[line].scenario, contender, seed)
    return [figure.read(finished) for figure in LINES[line].figures]


def row(line: Line, figure: Figure, contender: str, found: Sequence[float]) -> Row:
    value = max(found) if figure.worst else median(found)
    return Row(line.case(figure), contender, round(min(value, FOREVER), 4), figure.unit, figure.higher_is_better)


FOREVER = 1e6
"""Milliseconds of a call that was never answered, where so many failed that the quantile is one of them: JSON has no
infinity."""
