"""The profile on a terminal: one table of paths for each table of the source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from migrations.nosql.paths import spell
from migrations.nosql.profile import PathProfile, TableProfile

ROWS = 60
"""Of paths, and then how many more there are; the HTML and JSON reports have all."""


def show(console: Console, profiles: Iterable[TableProfile]) -> None:
    for each in profiles:
        console.print(_table(each))


def _table(profile: TableProfile) -> RenderableType:
    title = f"{profile.table.name}: {profile.documents:,} documents, {profile.bytes:,} bytes, key {profile.table.key}"
    table = Table(title=title, title_justify="left", title_style="bold")
    for name in ("path", "kinds", "missing", "distinct", "range", "oddities"):
        table.add_column(name, overflow="fold", justify="right" if name in {"missing", "distinct"} else "left")
    for path in list(profile.paths.values())[:ROWS]:
        table.add_row(*(Text(cell) for cell in _cells(path)))
    return Group(table, *(Text(line) for line in _lines(profile)), Text())


def _cells(path: PathProfile) -> tuple[str, ...]:
    kinds = "\n".join(f"{seen.count:,} {name}" for name, seen in path.kinds.items())
    ranges = "\n".join("" if seen.least is None else f"{seen.least} … {seen.most}" for seen in path.kinds.values())
    oddities = "\n".join(f"{seen.count:,} {name}, as {seen.example}" for name, seen in path.oddities.items())
    distinct = f"{path.distinct.estimate():,}" if path.distinct.estimate() else ""
    return spell(path.path), kinds, f"{path.missing:,}" if path.missing else "", distinct, ranges, oddities


def _lines(profile: TableProfile) -> Iterator[str]:
    if (more := len(profile.paths) - ROWS) > 0:
        yield f"and {more:,} more paths"
    if keys := profile.candidate_keys():
        yield f"could be keys: {', '.join(map(spell, keys))}"
    for index in profile.table.indexes:
        yield f"index {index.name}{' (multi)' if index.multi else ''}: {index.query}"
    for path in profile.paths.values():
        if len(path.kinds.keys() - {"null"}) > 1:
            for kind, seen in path.kinds.items():
                yield f"{spell(path.path)} is {kind} from {seen.first} to {seen.last}"
