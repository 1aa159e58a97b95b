"""A whole plan: check that source and target can go together, then load its tables side by side."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from migrations.nosql import progress as records
from migrations.nosql.checksums import Sums
from migrations.nosql.load import TableLoad
from migrations.nosql.plan import Plan, TablePlan
from migrations.nosql.plan_file import write
from migrations.nosql.progress import Progress
from migrations.nosql.sources.source import Source, SourceTable
from migrations.nosql.tables import PlannedTables

PARALLEL = 3
GARBAGE_LOOKED_FOR_AFTER = 50_000
"""Objects made, where Python would look after 700: documents hold no cycles, and looking took a seventh of a load."""


class NotThisTarget(ValueError):
    """The target has something that this load must not touch."""


@dataclass(frozen=True)
class Job:
    source: Source
    plan: Plan
    engine: sa.Engine
    tables: PlannedTables
    fingerprint: str

    @classmethod
    def of(cls, source: Source, plan: Plan, engine: sa.Engine) -> Job:
        """Reads the source once, so that a damaged one ends here, with the target as it was."""
        known = {table.name for table in source.tables()}
        if missing := sorted({table.source for table in plan.tables} - known):
            raise ValueError(f"{source.name} has no {', '.join(missing)}; it has {', '.join(sorted(known))}")
        return cls(source, plan, engine, PlannedTables(plan), source.fingerprint())

    def prepare(self) -> dict[str, Progress]:
        """Creates what is not there yet; by source table, where it stands."""
        records.metadata.create_all(self.engine)
        new = [plan for plan in self.plan.tables if self.stands(plan) is None]
        for plan in new:
            self._refuse_rows(self.tables.of[plan.name])
        self.tables.metadata.create_all(self.engine)
        for plan in new:
            with self.engine.begin() as connection:
                records.begin(connection, self._start(plan))
        states = {plan.source: self.stands(plan) for plan in self.plan.tables}
        for plan in self.plan.tables:
            self._refuse_another_plan(plan, states[plan.source])
        return {name: state for name, state in states.items() if state is not None}

    def stands(self, plan: TablePlan) -> Progress | None:
        with self.engine.connect() as connection:
            return records.read(connection, records.identity(self.fingerprint, plan.source))

    def load(
        self, told: Callable[[Progress], None], *, limit: int | None = None, parallel: int = PARALLEL
    ) -> list[Progress]:
        states = self.prepare()
        workers = 1 if self.engine.dialect.name == "sqlite" else parallel
        with _garbage_looked_for_rarely(), ThreadPoolExecutor(workers, thread_name_prefix="load") as pool:
            running = [
                pool.submit(
                    TableLoad(self.engine, self.source, plan, self.tables.of[plan.name], states[plan.source], told).run,
                    limit,
                )
                for plan in self.plan.tables
            ]
            return [each.result() for each in running]

    def described(self) -> dict[str, SourceTable]:
        return {table.name: table for table in self.source.tables()}

    def _start(self, plan: TablePlan) -> Progress:
        return Progress(
            records.identity(self.fingerprint, plan.source),
            self.source.name,
            plan.source,
            plan_digest(plan),
            sums=tuple(Sums(len(table.columns)) for table in self.tables.of[plan.name]),
        )

    def _refuse_rows(self, tables: list[sa.Table]) -> None:
        there = set(sa.inspect(self.engine).get_table_names())
        with self.engine.connect() as connection:
            for table in tables:
                if (
                    table.name in there
                    and connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first()
                ):
                    raise NotThisTarget(f"table {table.name} has rows that this source did not bring: empty it first")

    def _refuse_another_plan(self, plan: TablePlan, state: Progress | None) -> None:
        if state is not None and state.plan != plan_digest(plan):
            raise NotThisTarget(
                f"table {plan.name} was begun with another plan: load with that one, or empty the table and its row "
                f"in {records.progress.name}"
            )


@contextmanager
def _garbage_looked_for_rarely() -> Iterator[None]:
    usual = gc.get_threshold()
    gc.set_threshold(GARBAGE_LOOKED_FOR_AFTER, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def plan_digest(plan: TablePlan) -> str:
    return hashlib.sha256(write(Plan((plan,))).encode()).hexdigest()
