"""Documents converted and put together to transactions small enough for a cluster to certify and apply at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from migrations.nosql.cells import Misfit
from migrations.nosql.conversion import Converted, Converter
from migrations.nosql.sources.source import Entry

ROWS = 2_000
BYTES = 1024 * 1024
"""Of documents. Galera holds a whole write-set in memory, on every member, and lets nobody else commit meanwhile."""
SLOW_SECONDS = 1.0
"""A commit that takes longer: members ask for a pause (flow control) or the way is long. The next are
smaller."""
LEAST_ROWS = 50


@dataclass
class Batch:
    good: list[tuple[Entry, Converted]] = field(default_factory=list)
    bad: list[tuple[Entry, str]] = field(default_factory=list)
    rows: int = 0
    bytes: int = 0
    last: Entry | None = None

    def __len__(self) -> int:
        return len(self.good) + len(self.bad)

    def add(self, entry: Entry, converter: Converter) -> None:
        self.last = entry
        self.bytes += len(entry.raw)
        try:
            converted = converter.convert(entry.document)
        except Misfit as misfit:
            self.bad.append((entry, str(misfit)))
            self.rows += 1
        else:
            self.good.append((Entry(entry.position, entry.raw, {}), converted))
            self.rows += 1 + sum(map(len, converted.children))


class Pace:
    """How many rows go into a transaction: half after a slow commit, a little more after each quick one."""

    def __init__(self) -> None:
        self.rows = ROWS

    def took(self, seconds: float) -> None:
        self.rows = max(LEAST_ROWS, self.rows // 2) if seconds > SLOW_SECONDS else min(ROWS, self.rows + LEAST_ROWS)


def batches(entries: Iterable[Entry], converter: Converter, pace: Pace) -> Iterator[Batch]:
    batch = Batch()
    for entry in entries:
        if batch.bytes + len(entry.raw) > BYTES and len(batch):
            yield batch
            batch = Batch()
        batch.add(entry, converter)
        if batch.rows >= pace.rows:
            yield batch
            batch = Batch()
    if len(batch):
        yield batch
