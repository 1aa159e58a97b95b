"""A table kept equal to a running RethinkDB's until everybody has moved over.

The feed of changes is opened before the table is copied, and what it says waits until the copy is through. So whatever
happens to a document while it is copied is applied afterwards, and applying the last change of a document twice, or
after a copy that has it already, changes nothing. A lost feed may have lost changes: then all of this begins again, and
rows whose documents are gone from the source are removed before changes are applied.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import islice
from threading import Event, Thread
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from migrations.nosql import progress as records
from migrations.nosql.cells import Cell, Misfit
from migrations.nosql.conversion import Converted, Converter
from migrations.nosql.plan import TablePlan
from migrations.nosql.progress import Progress
from migrations.nosql.seen import Seen
from migrations.nosql.sources.live import Live, SourceLost, entry_of
from migrations.nosql.sources.source import Entry, SourceBroken
from migrations.nosql.spool import Change, Spool
from migrations.nosql.target import is_about_data, is_transient, reason
from migrations.nosql.verify import FETCHED_AT_ONCE, cell_of
from migrations.nosql.writing import Writer

AT_ONCE = 500
"""Documents in a transaction: few enough that a change is applied soon after it was told."""
IDLE_SECONDS = 0.05
AGAIN_SECONDS = 1.0
"""Between attempts to reach a source or a target that is away."""

logger = logging.getLogger(__name__)


class TableFollow:
    """Runs in a thread of its own; what it has reached is read from outside."""

    def __init__(
        self, engine: sa.Engine, source: Live, plan: TablePlan, key: str, tables: list[sa.Table], state: Progress
    ) -> None:
        self._engine = engine
        self._source = source
        self._plan = plan
        self._source_key = key
        self._tables = tables
        self._writer = Writer(tables, engine.dialect)
        self._converter = Converter(plan)
        self._state = state
        self._spool: Spool | None = None
        self._stop = Event()
        self.caught_up = False
        """The copy is through, and the feed that was opened before it still runs."""
        self.scans = 0
        self.applied = 0
        self.failure: Exception | None = None

    @property
    def name(self) -> str:
        return self._plan.source

    def lag_seconds(self) -> float:
        """Since when the oldest change waits that has not been applied."""
        spool = self._spool
        return 0.0 if spool is None else spool.age(time.monotonic())

    def stop(self) -> None:
        self._stop.set()

    def run(self) -> None:
        try:
            while not self._stop.is_set():
                try:
                    self._follow_one_feed()
                except (SourceLost, SourceBroken) as lost:
                    logger.warning("%s: %s; the table is scanned again", self.name, lost)
                except DBAPIError as error:
                    if not is_transient(error):
                        raise
                    logger.warning("%s: the target is away: %s", self.name, reason(error))
                self.caught_up = False
                self._stop.wait(AGAIN_SECONDS)
        except Exception as failure:  # told by whoever waits for this thread
            self.failure = failure
            logger.exception("%s is not followed any more", self.name)

    def _follow_one_feed(self) -> None:
        with self._source.connection() as connection, closing(Spool()) as spool:
            self._spool = spool
            feed = _Feed(self._source.changes(self.name, connection), spool)
            try:
                self._copy(feed)
                self.scans += 1
                self.caught_up = True
                while not self._stop.is_set():
                    if not self._apply(spool):
                        feed.check()
                        self._stop.wait(IDLE_SECONDS)
            finally:
                connection.close(noreply_wait=False)
                feed.join()
                self._spool = None

    def _copy(self, feed: _Feed) -> None:
        with closing(Seen()) as seen:
            for entries in _in_parts(self._source.read(self.name)):
                feed.check()
                seen.add(key for entry in entries if (key := self._key(entry.document)) is not None)
                self._settle(entries, [])
                if self._stop.is_set():
                    return
            self._sweep(seen)

    def _sweep(self, seen: Seen) -> None:
        columns = list(self._tables[0].primary_key.columns)
        with self._engine.connect() as connection:
            found = connection.execute(sa.select(*columns)).yield_per(FETCHED_AT_ONCE)
            keys = (tuple(cell_of(value, keep_bytes=False) for value in row) for row in found)
            gone = seen.unseen(keys)
        for first in range(0, len(gone), AT_ONCE):
            self._settle([], gone[first : first + AT_ONCE])

    def _apply(self, spool: Spool) -> int:
        """The last change of each document counts."""
        changes = spool.take(AT_ONCE)
        last = {self._identity(change): change for change in changes}
        entries = [entry_of(each.new, self._source_key) for each in last.values() if each.new is not None]
        gone = [self._key(each.old) for each in last.values() if each.new is None and each.old is not None]
        if changes:
            self._settle(entries, [key for key in gone if key is not None])
            spool.done()
            self.applied += len(changes)
        return len(changes)

    def _identity(self, change: Change) -> str:
        return str(entry_of(change.new or change.old or {}, self._source_key).position)

    def _key(self, document: Any) -> tuple[Cell, ...] | None:
        try:
            return self._converter.key_of(document)
        except Misfit:
            return None

    def _settle(self, entries: list[Entry], gone: list[tuple[Cell, ...]]) -> None:
        good, bad = self._sorted(entries)
        try:
            with self._engine.begin() as connection:
                self._write(connection, good, bad, gone)
        except DBAPIError as error:
            if not is_about_data(error):
                raise
            for entry, converted in good:
                self._settle_one(entry, converted)
            with self._engine.begin() as connection:
                self._write(connection, [], bad, gone)

    def _settle_one(self, entry: Entry, converted: Converted) -> None:
        try:
            with self._engine.begin() as connection:
                self._write(connection, [(entry, converted)], [], [])
        except DBAPIError as error:
            if not is_about_data(error):
                raise
            with self._engine.begin() as connection:
                self._write(connection, [], [(entry, reason(error))], [])

    def _sorted(self, entries: Iterable[Entry]) -> tuple[list[tuple[Entry, Converted]], list[tuple[Entry, str]]]:
        good, bad = [], []
        for entry in entries:
            try:
                good.append((entry, self._converter.convert(entry.document)))
            except Misfit as misfit:
                bad.append((entry, str(misfit)))
        return good, bad

    def _write(
        self,
        connection: sa.Connection,
        good: list[tuple[Entry, Converted]],
        bad: list[tuple[Entry, str]],
        gone: list[tuple[Cell, ...]],
    ) -> None:
        """A document that no longer fits leaves its table: what was there is not what the source has."""
        misfits = [key for entry, _ in bad if (key := self._key(entry.document)) is not None]
        self._writer.delete(connection, [*gone, *misfits])
        self._writer.replace(connection, [converted for _, converted in good])
        records.forget(connection, self._state, [entry.position for entry, _ in (*good, *bad)])
        number = records.next_number(connection, self._state) if bad else 0
        for place, (entry, why) in enumerate(bad, number):
            records.put_aside(connection, self._state, place, entry.position, why, entry.raw)


class _Feed:
    """Listens in a thread, because the driver's cursor blocks."""

    def __init__(self, changes: Iterator[dict[str, Any]], spool: Spool) -> None:
        self._changes = changes
        self._spool = spool
        self._broken: Exception | None = None
        self._thread = Thread(target=self._listen, name="feed", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raises `SourceLost` or `SourceBroken` if nothing more will come."""
        if not self._thread.is_alive():
            if isinstance(self._broken, SourceBroken):
                raise self._broken
            raise SourceLost(f"the feed of changes ended: {self._broken}")

    def join(self) -> None:
        self._thread.join()

    def _listen(self) -> None:
        try:
            for change in self._changes:
                self._spool.put(Change(time.monotonic(), change["old_val"], change["new_val"]))
        except Exception as broken:  # the driver breaks in many ways; `check` tells it to who waits
            self._broken = broken


def _in_parts(entries: Iterator[Entry]) -> Iterator[list[Entry]]:
    while part := list(islice(entries, AT_ONCE)):
        yield part
