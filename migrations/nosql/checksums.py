"""Checksums that do not depend on the order of rows, computed alike from documents and from rows in the database.

Of each cell: CRC-32 of the row's key, of whether there is a value, and of the value as text. Of each column: the sum.
So a value that changed, went missing or moved to another row is seen, and the database can add up its side by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from zlib import crc32

import sqlalchemy as sa

from migrations.nosql.cells import Cell

SEPARATOR = b"\x1f"
ABSENT = b"\x00"
PRESENT = b"\x01"
FUNCTION = "migrate_crc"
"""What SQLite is taught, which has no CRC of its own."""


class Row(NamedTuple):
    cells: tuple[Cell, ...]
    digests: tuple[int, ...]


def key_digest(key: Iterable[Cell]) -> int:
    return crc32(SEPARATOR.join(map(_spelled, key)))


def digest_row(key: int, cells: Iterable[Cell]) -> tuple[int, ...]:
    """Raises UnicodeEncodeError where text is not made of characters."""
    absent, present = crc32(ABSENT, key), crc32(PRESENT, key)
    return tuple([absent if cell is None else crc32(_spelled(cell), present) for cell in cells])


def _spelled(cell: Cell) -> bytes:
    if type(cell) is str:
        return cell.encode()
    return cell if isinstance(cell, bytes) else repr(cell).encode()


class Sums:
    """Of one table: how many rows, and each column's sum."""

    def __init__(self, width: int, rows: int = 0, columns: Sequence[int] = ()) -> None:
        self.rows = rows
        self.columns = list(columns) or [0] * width

    def add(self, rows: Sequence[Row]) -> None:
        self.rows += len(rows)
        if rows:
            more = map(sum, zip(*(row.digests for row in rows), strict=True))
            self.columns = [old + new for old, new in zip(self.columns, more, strict=True)]

    def as_json(self) -> list[Any]:
        return [self.rows, self.columns]


def teach_sqlite(connection: Any) -> None:
    """The same function as the server's, in the driver's own connection."""

    def crc(cell: Cell, *key: Cell) -> int:
        return digest_row(key_digest(key), [cell])[0]

    connection.create_function(FUNCTION, -1, crc, deterministic=True)


def summed_by_server(table: sa.Table, dialect: str) -> tuple[list[str], sa.Select[Any]]:
    """The columns whose sums the database can compute, and the question. It cannot spell fractions as we do."""
    names = [column.name for column in table.columns if dialect == "sqlite" or not isinstance(column.type, sa.Double)]
    key = list(table.primary_key.columns)
    digests = [_expression(table.columns[name], key, dialect) for name in names]
    return names, sa.select(sa.func.count(), *(sa.func.coalesce(sa.func.sum(each), 0) for each in digests)).select_from(
        table
    )


def _expression(column: sa.Column[Any], key: Sequence[sa.Column[Any]], dialect: str) -> sa.ColumnElement[Any]:
    if dialect == "sqlite":
        return sa.Function(FUNCTION, sa.type_coerce(column, sa.String), *key)
    spelled_key = sa.func.concat_ws(sa.literal_column("x'1f'"), *map(_bytes_of, key))
    value = sa.func.concat(sa.literal_column("x'01'"), _bytes_of(column))
    return sa.func.crc32(sa.func.concat(spelled_key, sa.func.ifnull(value, sa.literal_column("x'00'"))))


def _bytes_of(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    if isinstance(column.type, sa.LargeBinary | sa.String | sa.Text | sa.TypeDecorator):
        return sa.literal_column(f"CAST(`{column.name}` AS BINARY)")
    return sa.literal_column(f"CAST(`{column.name}` AS CHAR)")
