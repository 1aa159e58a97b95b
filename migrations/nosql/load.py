"""Every document of a table into the target exactly once, however often the load is killed and started again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from migrations.nosql import progress as records
from migrations.nosql.batches import Batch, Pace, batches
from migrations.nosql.conversion import Converter
from migrations.nosql.plan import TablePlan
from migrations.nosql.progress import Progress
from migrations.nosql.sources.source import Entry, Source
from migrations.nosql.target import is_about_data, is_transient, reason
from migrations.nosql.writing import Writer

ATTEMPTS = 8
PAUSE_SECONDS = 0.25
"""Doubled after each attempt: half a minute in all, longer than a member of the cluster is away for a restart."""

Told = Callable[[Progress], None]


class TableLoad:
    def __init__(
        self, engine: sa.Engine, source: Source, plan: TablePlan, tables: list[sa.Table], start: Progress, told: Told,
        sleep: Callable[[float], None] = time.sleep, clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._engine = engine
        self._source = source
        self._plan = plan
        self._writer = Writer(tables, engine.dialect)
        self._state = start
        self._told = told
        self._sleep = sleep
        self._clock = clock
        self._pace = Pace()

    def run(self, limit: int | None = None) -> Progress:
        """While one batch is being committed, the next one is read and converted."""
        if self._state.finished:
            return self._state
        with ThreadPoolExecutor(1, thread_name_prefix="commit") as committer:
            waiting: Future[None] | None = None
            for batch in batches(self._entries(limit), Converter(self._plan), self._pace):
                if waiting is not None:
                    waiting.result()
                waiting = committer.submit(self._commit, batch)
            if waiting is not None:
                waiting.result()
        if limit is None:
            self._finish()
        return self._state

    def _entries(self, limit: int | None) -> Iterator[Entry]:
        done = self._state.loaded + self._state.quarantined
        entries = self._source.read(self._plan.source, self._state.position)
        return islice(entries, None if limit is None else max(0, limit - done))

    def _commit(self, batch: Batch) -> None:
        began = self._clock()
        try:
            self._settle(lambda connection: self._write(connection, batch))
        except DBAPIError as error:
            if not is_about_data(error):
                raise
            self._settle(lambda connection: self._write_one_by_one(connection, batch))
        self._pace.took(self._clock() - began)
        self._told(self._state)

    def _finish(self) -> None:
        self._settle(lambda _: self._state.moved(finished=True))
        self._told(self._state)

    def _settle(self, write: Callable[[sa.Connection], Progress]) -> None:
        """One transaction, begun again while only circumstances are against it. Nobody knows whether a commit went
        through whose connection broke: then the step that the target is at tells."""
        before = self._state
        for attempt in range(ATTEMPTS):
            try:
                if attempt and self._arrived(before):
                    return
                with self._engine.begin() as connection:
                    after = write(connection)
                    records.move(connection, before, after)
                self._state = after
            except DBAPIError as error:
                if not is_transient(error) or attempt == ATTEMPTS - 1:
                    raise
                self._sleep(PAUSE_SECONDS * 2**attempt)
            else:
                return

    def _arrived(self, before: Progress) -> bool:
        with self._engine.connect() as connection:
            there = records.read(connection, before.id)
        if there is None or there.step == before.step:
            return False
        if there.step != before.step + 1:
            raise records.TakenOver(f"another load works on {before.table}")
        self._state = there
        return True

    def _write(self, connection: sa.Connection, batch: Batch) -> Progress:
        """Many rows by one statement; the database refuses all of them where it refuses one."""
        self._writer.insert(connection, [converted for _, converted in batch.good])
        return self._after(connection, batch)

    def _write_one_by_one(self, connection: sa.Connection, batch: Batch) -> Progress:
        taken = Batch(bad=list(batch.bad), last=batch.last)
        for entry, converted in batch.good:
            try:
                with connection.begin_nested():
                    self._writer.insert(connection, [converted])
                taken.good.append((entry, converted))
            except DBAPIError as error:
                if not is_about_data(error):
                    raise
                taken.bad.append((entry, reason(error)))
        return self._after(connection, taken)

    def _after(self, connection: sa.Connection, batch: Batch) -> Progress:
        state = self._state
        for number, (entry, why) in enumerate(batch.bad, state.quarantined):
            records.put_aside(connection, state, number, entry.position, why, entry.raw)
        converted = [each for _, each in batch.good]
        return state.moved(
            position=batch.last.position if batch.last else state.position,
            loaded=state.loaded + len(batch.good),
            quarantined=state.quarantined + len(batch.bad),
            coerced=state.coerced + Counter(note for each in converted for note in each.notes),
            sums=records.add_up(state.sums, self._writer.rows(converted)),
        )
