"""The scoreboard for people, on a terminal and in `docs/strategy.md`: a column for each strategy."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from rich.table import Table
from rich.text import Text

from bench import discovery_table, strategy_cost
from bench.report import OURS, Row
from bench.strategy import CONTENDERS, FOREVER
from bench.strategy_goals import LINES, Line, met, values, wanted
from bench.strategy_run import ORACLE

NEVER = "never"
NONE = "-"


class Entry(NamedTuple):
    scenario: str
    name: str
    goal: str
    met: bool | None
    by_contender: Mapping[str, float]
    unit: str


def entries(rows: Sequence[Row]) -> Iterator[Entry]:
    found = values(rows)
    for nodes, limit in strategy_cost.LIMITS_MICROSECONDS.items():
        case = strategy_cost.case(nodes)
        cost = {name: found[case, name] for name in CONTENDERS if (case, name) in found}
        yield Entry(
            "what choosing costs", f"among {nodes:,} nodes", f"<= {limit:g} us", cost[OURS] <= limit, cost, "us"
        )
    yield from entries_of(LINES, found, CONTENDERS, ORACLE)


def entries_of(
    lines: Sequence[Line], found: Mapping[tuple[str, str], float], contenders: Sequence[str], reference: str
) -> Iterator[Entry]:
    """`reference` is whose figure some goals are compared with. Whoever could not take part has no figure, and without
    these two nothing is met or missed."""
    for line in lines:
        for figure in line.figures:
            each = {name: found[line.case(figure), name] for name in contenders if (line.case(figure), name) in found}
            is_met = met(figure, each[OURS], each[reference]) if {OURS, reference} <= each.keys() else None
            yield Entry(line.scenario.name, figure.name, wanted(figure), is_met, each, figure.unit)


def for_people(rows: Sequence[Row]) -> Table:
    return table_of(list(entries(rows)), CONTENDERS, "strategy: which node is asked")


def table_of(found: Sequence[Entry], contenders: Sequence[str], title: str) -> Table:
    table = Table(title=title, title_justify="left")
    for name in ("scenario", "figure", "goal for ours", "met"):
        table.add_column(name, no_wrap=True)
    for name in contenders:
        table.add_column(_title(name), justify="right")
    for scenario, of_scenario in groupby(found, key=attrgetter("scenario")):
        for number, entry in enumerate(of_scenario):
            cells = _cells(entry, contenders)
            table.add_row(scenario if number == 0 else "", _label(entry), entry.goal, _mark(entry), *cells)
        table.add_section()
    return table


def conclusions(rows: Sequence[Row]) -> Sequence[Text]:
    return [conclusion(list(entries(rows)))]


def conclusion(found: Sequence[Entry]) -> Text:
    with_goal = [entry for entry in found if entry.met is not None]
    missed = [f"{entry.scenario}: {entry.name}" for entry in with_goal if not entry.met]
    met_count = len(with_goal) - len(missed)
    return Text(f"{met_count} of {len(with_goal)} goals met{'; missed: ' if missed else ''}{', '.join(missed)}")


def write(document: Path, rows: Sequence[Row], rounds: int) -> None:
    found = list(entries(rows))
    discovery_table.put(document, [headline(rounds, found), *markdown(found, CONTENDERS)])


def headline(rounds: int, found: Sequence[Entry]) -> str:
    return f"{rounds} seeds; Python {platform.python_version()}, {platform.machine()}. {conclusion(found)}."


def markdown(found: Sequence[Entry], contenders: Sequence[str]) -> Iterator[str]:
    for scenario, of_scenario in groupby(found, key=attrgetter("scenario")):
        yield from ("", f"**{scenario[0].upper()}{scenario[1:]}**", "")
        yield f"| | goal | met | {' | '.join(map(_title, contenders))} |"
        yield f"|---|---|---|{'--:|' * len(contenders)}"
        for entry in of_scenario:
            goal = entry.goal.replace("<=", "≤").replace(">=", "≥")
            yield f"| {_label(entry)} | {goal} | {_mark(entry)} | {' | '.join(_cells(entry, contenders))} |"


def _label(entry: Entry) -> str:
    return f"{entry.name}, {entry.unit}" if entry.unit else entry.name


def _title(contender: str) -> str:
    return contender.replace(OURS, "ours").replace("-", " ")


def _mark(entry: Entry) -> str:
    return "" if entry.met is None else "yes" if entry.met else "NO"


def _cells(entry: Entry, contenders: Sequence[str]) -> list[str]:
    return [_number(entry.by_contender.get(name)) for name in contenders]


def _number(value: float | None) -> str:
    if value is None:
        return NONE
    if value >= FOREVER:
        return NEVER
    return (
        f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:,.2f}" if value < 10 else f"{value:,.1f}"
    )
