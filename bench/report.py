"""What a benchmark prints: a table for people, then as its last line one JSON object for machines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median

from rich.console import Console, RenderableType
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
    absent: Mapping[str, str] = field(default_factory=dict)
    """Contenders that could not take part, and why."""


OURS = "localgroup"
FILE_COLUMNS = 110
"""Where nobody says how wide it is, a row takes one line."""
WIDE_COLUMNS = 240


def middle(case: str, contender: str, values: Iterable[float], unit: str, *, higher_is_better: bool) -> Row:
    """One row from the rounds of a contender: their median."""
    return Row(case, contender, round(median(values), 4), unit, higher_is_better)


def show(report: Report, *conclusions: RenderableType, table: Table | None = None) -> None:
    """`table` is for people instead of the usual one, and as wide as it needs to be."""
    console = Console(width=None if Console().is_terminal else FILE_COLUMNS)
    if table is not None and not console.is_terminal:
        console.width = console.measure(table, options=console.options.update(width=WIDE_COLUMNS)).maximum
    console.print(table or _table(report), *conclusions, sep="\n")
    for name, reason in report.absent.items():
        console.print(f"absent: {name}: {reason}", highlight=False, markup=False)
    content = {"bench": report.bench, "rounds": report.rounds, "rows": [asdict(row) for row in report.rows]}
    print(json.dumps(content | ({"absent": dict(report.absent)} if report.absent else {})))


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
