"""Whether the target has what the source has: counts and checksums of every column, and the keys that differ.

The source's side is what the load added up while it converted, as long as the source is still the same, byte for byte;
or it is added up anew. The target's side is always added up now, by the database. Only where the sums differ are rows
fetched: in buckets by key, so that what is held at once is a small share of any table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from migrations.nosql.cells import Cell, Misfit
from migrations.nosql.checksums import Row, Sums, digest_row, key_digest, summed_by_server
from migrations.nosql.conversion import Converter
from migrations.nosql.plan import TablePlan
from migrations.nosql.run import Job

BUCKETS = 4_096
BUCKETS_AT_ONCE = 64
"""A pass over both sides looks at so many: at most a 64th of a table is in memory."""
NAMED_KEYS = 100
FETCHED_AT_ONCE = 1_000


@dataclass(frozen=True)
class Difference:
    key: tuple[Cell, ...]
    columns: tuple[str, ...]
    """Those that differ; none where the whole row is on one side only."""
    where: str


@dataclass(frozen=True)
class Verdict:
    table: str
    source_rows: int
    target_rows: int
    columns: tuple[str, ...]
    """Those whose checksums differ."""
    differences: tuple[Difference, ...] = ()

    @property
    def same(self) -> bool:
        return self.source_rows == self.target_rows and not self.columns


def verify(job: Job, *, full: bool = False) -> list[Verdict]:
    """`full` reads the source again in place of believing what the load wrote down."""
    return [verdict for plan in job.plan.tables for verdict in _table(job, plan, full)]


def _table(job: Job, plan: TablePlan, full: bool) -> Iterator[Verdict]:
    tables = job.tables.of[plan.name]
    expected = _recorded(job, plan) if not full else None
    for number, table in enumerate(tables):
        sums = expected[number] if expected else _added_up(job, plan, number, len(table.columns))
        found = _of_target(job.engine, table)
        names = [column.name for column in table.columns]
        columns = tuple(n for n, a, b in zip(names, sums.columns, found.columns, strict=True) if a != b)
        same = sums.rows == found.rows and not columns
        differences = () if same else tuple(_differences(job, plan, number))
        yield Verdict(table.name, sums.rows, found.rows, columns, differences)


def _recorded(job: Job, plan: TablePlan) -> Sequence[Sums] | None:
    state = job.stands(plan)
    return state.sums if state is not None and state.finished else None


def _added_up(job: Job, plan: TablePlan, number: int, width: int) -> Sums:
    sums = Sums(width)
    for row in _source_rows(job, plan, number):
        sums.add([row])
    return sums


def _source_rows(job: Job, plan: TablePlan, number: int) -> Iterator[Row]:
    converter = Converter(plan)
    for entry in job.source.read(plan.source):
        try:
            converted = converter.convert(entry.document)
        except Misfit:
            continue
        yield from [converted.parent] if number == 0 else converted.children[number - 1]


def _of_target(engine: sa.Engine, table: sa.Table) -> Sums:
    names, question = summed_by_server(table, engine.dialect.name)
    with engine.connect() as connection:
        rows, *sums = connection.execute(question).one()
    by_name = {name: int(each) for name, each in zip(names, sums, strict=True)}
    if others := [column.name for column in table.columns if column.name not in by_name]:
        ours = Sums(len(table.columns))
        for row in _target_rows(engine, table):
            ours.add([row])
        places = [column.name for column in table.columns]
        by_name |= {name: ours.columns[places.index(name)] for name in others}
    return Sums(len(table.columns), rows, [by_name[column.name] for column in table.columns])


def _target_rows(engine: sa.Engine, table: sa.Table) -> Iterator[Row]:
    """As cells again, whatever the driver makes of them."""
    key = [list(table.columns).index(column) for column in table.primary_key.columns]
    exact = [isinstance(column.type, sa.LargeBinary) for column in table.columns]
    with engine.connect().execution_options(stream_results=True, yield_per=FETCHED_AT_ONCE) as connection:
        for fetched in connection.execute(sa.select(table)):
            row = tuple(cell_of(value, keep_bytes=keep) for value, keep in zip(fetched, exact, strict=True))
            yield Row(row, digest_row(key_digest(row[place] for place in key), row))


def cell_of(value: Any, *, keep_bytes: bool) -> Cell:
    """What the driver returned, as the cell that it was."""
    if isinstance(value, datetime):
        return value.isoformat(" ", "microseconds")
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, bytes) and not keep_bytes:
        return value.decode()
    return value  # type: ignore[no-any-return]


def _differences(job: Job, plan: TablePlan, number: int) -> Iterator[Difference]:
    table = job.tables.of[plan.name][number]
    key = [list(table.columns).index(column) for column in table.primary_key.columns]
    names = [column.name for column in table.columns]
    differing = sorted(_differing_buckets(job, plan, number, key))
    named = 0
    for first in range(0, len(differing), BUCKETS_AT_ONCE):
        some = frozenset(differing[first : first + BUCKETS_AT_ONCE])
        source = _in_buckets(_source_rows(job, plan, number), key, some)
        target = _in_buckets(_target_rows(job.engine, table), key, some)
        for row_key in sorted(source.keys() | target.keys(), key=repr):
            ours, theirs = source.get(row_key), target.get(row_key)
            if ours == theirs:
                continue
            if (named := named + 1) > NAMED_KEYS:
                return
            if ours is None or theirs is None:
                yield Difference(row_key, (), "only in the target" if ours is None else "missing in the target")
            else:
                yield Difference(row_key, tuple(n for n, a, b in zip(names, ours, theirs, strict=True) if a != b), "")


def _differing_buckets(job: Job, plan: TablePlan, number: int, key: Sequence[int]) -> set[int]:
    table = job.tables.of[plan.name][number]
    sums = [0] * BUCKETS
    for sign, rows in ((1, _source_rows(job, plan, number)), (-1, _target_rows(job.engine, table))):
        for row in rows:
            sums[_bucket(row, key)] += sign * (1 + sum(row.digests))
    return {bucket for bucket, each in enumerate(sums) if each}


def _in_buckets(rows: Iterator[Row], key: Sequence[int], some: Set[int]) -> dict[tuple[Cell, ...], tuple[int, ...]]:
    return {tuple(row.cells[place] for place in key): row.digests for row in rows if _bucket(row, key) in some}


def _bucket(row: Row, key: Sequence[int]) -> int:
    return key_digest(row.cells[place] for place in key) % BUCKETS
