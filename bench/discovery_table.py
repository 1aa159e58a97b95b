"""The table of `docs/discovery.md`, written between two marks, so that its figures are those of the last run."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from bench.report import OURS, Row

BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"


def write(document: Path, rows: Sequence[Row], nodes: int, actions: int) -> None:
    """Raises `ValueError` if the document has no place for it."""
    put(document, [_headline(nodes, actions), "", *_table(rows)])


def put(document: Path, lines: Sequence[str], marks: tuple[str, str] = (BEGIN, END)) -> None:
    """Instead of what is between the marks."""
    begin_mark, end_mark = marks
    text = document.read_text(encoding="utf-8")
    before, begin, rest = text.partition(begin_mark)
    _, end, after = rest.partition(end_mark)
    if not begin or not end:
        raise ValueError(f"{document} has no place for a table, between {begin_mark} and {end_mark}")
    document.write_text(f"{before}{begin_mark}\n{chr(10).join(lines)}\n{end_mark}{after}", encoding="utf-8")


def _headline(nodes: int, actions: int) -> str:
    return f"{nodes:,} nodes, {actions} actions each; Python {platform.python_version()}, {platform.machine()}."


def _table(rows: Iterable[Row]) -> Iterator[str]:
    yield "| | ours | Moleculer's rules | |"
    yield "|---|--:|--:|---|"
    values: dict[tuple[str, str], dict[str, float]] = {}
    for row in rows:
        values.setdefault((row.case, row.unit), {})[row.contender] = row.value
    for (case, unit), by_contender in values.items():
        ours = by_contender.pop(OURS)
        theirs = next(iter(by_contender.values()))
        yield f"| {case} | {_number(ours)} | {_number(theirs)} | {unit} |"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:,.2f}"
