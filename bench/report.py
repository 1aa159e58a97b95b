"""What a benchmark prints: a table for people, then as its last line one JSON object for machines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import median

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Row:
    case: str
    contender: str
    value: float
    unit: str
    higher_is_better: bool


@dataclass(frozen=True, slots=True)
class Report:
    bench: str
    rounds: int
    rows: Sequence[Row]


OURS = "localgroup"
FILE_COLUMNS = 110
"""Where nobody says how wide it is, a row takes one line."""


def middle(case: str, contender: str, values: Iterable[float], unit: str, *, higher_is_better: bool) -> Row:
    """One row from the rounds of a contender: their median."""
    return Row(case, contender, round(median(values), 4), unit, higher_is_better)


def show(report: Report) -> None:
    console = Console()
    Console(width=None if console.is_terminal else FILE_COLUMNS).print(_table(report))
    print(json.dumps({"bench": report.bench, "rounds": report.rounds, "rows": [asdict(row) for row in report.rows]}))


def _table(report: Report) -> Table:
    table = Table(title=f"{report.bench}: median of {report.rounds} rounds", title_justify="left")
    table.add_column("case")
    table.add_column("contender")
    for name in ("value", "unit", "ours : theirs"):
        table.add_column(name, justify="right" if name != "unit" else "left")
    for row in report.rows:
        table.add_row(row.case, row.contender, f"{row.value:,.2f}", row.unit, _ratio(row, report.rows))
    return table


def _ratio(row: Row, rows: Iterable[Row]) -> str:
    ours = next((each for each in rows if (each.case, each.contender) == (row.case, OURS)), None)
    if ours is None or row.contender == OURS or not row.value:
        return ""
    better = "higher" if row.higher_is_better else "lower"
    return f"{ours.value / row.value:.2f} ({better} is better)"
