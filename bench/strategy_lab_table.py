"""The real processes' table for people, on a terminal and in `docs/strategy.md`, where it has marks of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from bench import discovery_table
from bench.report import Report
from bench.strategy_goals import values
from bench.strategy_lab import BUSIEST, CONTENDERS, ROUND_TRIPS, STAGES, Stage
from bench.strategy_run import ORACLE
from bench.strategy_table import Entry, conclusion, entries_of, headline, markdown, table_of

MARKS = "<!-- real processes -->", "<!-- end of real processes -->"


def entries(report: Report, stages: Sequence[Stage] = STAGES) -> list[Entry]:
    lines = [stage.line for stage in stages]
    return list(entries_of(lines, values(report.rows), CONTENDERS, ORACLE))


def for_people(report: Report) -> Table:
    return table_of(entries(report), CONTENDERS, "strategy-lab: which node is asked, with real processes")


def conclusions(report: Report) -> Sequence[Text]:
    return [conclusion(entries(report)), Text(paths(report)), Text(busiest(report))]


def paths(report: Report) -> str:
    found = ", ".join(f"{row.value:g} ms to {row.contender}" for row in report.rows if row.case == ROUND_TRIPS)
    return f"Round trips by the mesh's own pings, and so in the model: {found}"


def busiest(report: Report) -> str:
    shares = {row.contender: row.value for row in report.rows if row.case == BUSIEST}
    return "In the busiest run " + ", ".join(f"the {name} used {share:g}% of a core" for name, share in shares.items())


def write(document: Path, report: Report) -> None:
    discovery_table.put(document, list(_markdown(report)), MARKS)


def _markdown(report: Report) -> Iterator[str]:
    found = entries(report)
    yield f"{headline(report.rounds, found)} {paths(report)}. {busiest(report)}."
    yield from (f"- Not valid, and not counted: {name}: {reason}." for name, reason in report.absent.items())
    yield from markdown(found, CONTENDERS)
