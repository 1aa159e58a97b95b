"""How far each table has come, kept in the target and moved in the transaction that brings the rows.

So a load that dies at any moment, or that never hears whether its commit went through, finds out by reading one row;
and two loads of one source can never both move on from the same place.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from migrations.nosql.checksums import Row, Sums
from migrations.nosql.sources.source import Position
from migrations.nosql.tables import LONG_BYTES, LONG_TEXT, define

PART_BYTES = 1024 * 1024
"""An original is kept in pieces, so that no document is too large for a packet of the database."""

metadata = sa.MetaData()

progress = define(
    metadata,
    "migrate_progress",
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("source", sa.String(190), nullable=False),
    sa.Column("source_table", sa.String(190), nullable=False),
    sa.Column("plan", sa.String(64), nullable=False),
    sa.Column("position", LONG_TEXT),
    sa.Column("loaded", sa.BigInteger, nullable=False),
    sa.Column("quarantined", sa.BigInteger, nullable=False),
    sa.Column("coerced", LONG_TEXT, nullable=False),
    sa.Column("sums", LONG_TEXT, nullable=False),
    sa.Column("step", sa.BigInteger, nullable=False),
    sa.Column("finished", sa.Boolean, nullable=False),
)

quarantine = define(
    metadata,
    "migrate_quarantine",
    sa.Column("progress_id", sa.String(64), primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("part", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("source_table", sa.String(190), nullable=False),
    sa.Column("position", LONG_TEXT, nullable=False),
    sa.Column("reason", LONG_TEXT, nullable=False),
    sa.Column("original", LONG_BYTES, nullable=False),
)
"""`original` is the document as the source had it, compressed with zlib, in pieces to be put together by `part`."""


class TakenOver(RuntimeError):
    """Another load moves the same table."""


@dataclass(frozen=True)
class Progress:
    id: str
    source: str
    table: str
    plan: str
    position: Position | None = None
    loaded: int = 0
    quarantined: int = 0
    coerced: Counter[str] = field(default_factory=Counter)
    sums: tuple[Sums, ...] = ()
    step: int = 0
    """Counts transactions; whoever moves it from the number it has read is alone."""
    finished: bool = False

    def moved(self, **changes: Any) -> Progress:
        return replace(self, step=self.step + 1, **changes)


def identity(fingerprint: str, table: str) -> str:
    return hashlib.sha256(f"{fingerprint}\n{table}".encode()).hexdigest()


def read(connection: sa.Connection, progress_id: str) -> Progress | None:
    row = connection.execute(sa.select(progress).where(progress.c.id == progress_id)).one_or_none()
    if row is None:
        return None
    sums = tuple(Sums(len(columns), rows, columns) for rows, columns in json.loads(row.sums))
    position = None if row.position is None else json.loads(row.position)
    return Progress(
        row.id, row.source, row.source_table, row.plan, position, row.loaded, row.quarantined,
        Counter(json.loads(row.coerced)), sums, row.step, bool(row.finished),
    )  # fmt: skip


def begin(connection: sa.Connection, start: Progress) -> None:
    connection.execute(progress.insert(), {"id": start.id} | _values(start))


def move(connection: sa.Connection, before: Progress, after: Progress) -> None:
    """Raises `TakenOver`."""
    here = (progress.c.id == before.id) & (progress.c.step == before.step)
    if connection.execute(progress.update().where(here).values(_values(after))).rowcount != 1:
        raise TakenOver(f"another load works on {before.table}")


def put_aside(connection: sa.Connection, of: Progress, number: int, position: Position, why: str, raw: bytes) -> None:
    packed = zlib.compress(raw)
    for part in range(0, max(1, -(-len(packed) // PART_BYTES))):
        connection.execute(
            quarantine.insert(),
            {
                "progress_id": of.id,
                "number": number,
                "part": part,
                "source_table": of.table,
                "position": json.dumps(position),
                "reason": why,
                "original": packed[part * PART_BYTES : (part + 1) * PART_BYTES],
            },
        )


def forget(connection: sa.Connection, of: Progress, positions: list[Position]) -> None:
    """These documents are to be judged anew."""
    if positions:
        known = quarantine.c.position.in_([json.dumps(position) for position in positions])
        connection.execute(quarantine.delete().where(quarantine.c.progress_id == of.id, known))


def next_number(connection: sa.Connection, of: Progress) -> int:
    last = sa.select(sa.func.max(quarantine.c.number)).where(quarantine.c.progress_id == of.id)
    return (connection.execute(last).scalar() or 0) + 1


def reasons(connection: sa.Connection, progress_id: str, limit: int) -> list[tuple[str, int]]:
    """Why documents were put aside, the most frequent reason first."""
    number = sa.func.count().label("number")
    question = sa.select(quarantine.c.reason, number).where(
        quarantine.c.progress_id == progress_id, quarantine.c.part == 0
    )
    rows = connection.execute(question.group_by(quarantine.c.reason).order_by(number.desc()).limit(limit))
    return [(row.reason, row.number) for row in rows]


def add_up(sums: tuple[Sums, ...], rows: list[list[Row]]) -> tuple[Sums, ...]:
    added = tuple(Sums(len(each.columns), each.rows, each.columns) for each in sums)
    for each, more in zip(added, rows, strict=True):
        each.add(more)
    return added


def _values(state: Progress) -> dict[str, Any]:
    return {
        "source": state.source,
        "source_table": state.table,
        "plan": state.plan,
        "position": None if state.position is None else json.dumps(state.position),
        "loaded": state.loaded,
        "quarantined": state.quarantined,
        "coerced": json.dumps(dict(sorted(state.coerced.items()))),
        "sums": json.dumps([each.as_json() for each in state.sums]),
        "step": state.step,
        "finished": state.finished,
    }
