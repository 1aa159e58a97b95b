"""Rows into tables, many with one statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from migrations.nosql import literals
from migrations.nosql.cells import Cell
from migrations.nosql.checksums import Row
from migrations.nosql.conversion import Converted

KEYS_AT_ONCE = 500
"""SQLite takes at least 999 values with a statement."""


class Writer:
    """For a table and those of its children. Cells are what drivers take, so no type stands between."""

    def __init__(self, tables: Sequence[sa.Table], dialect: sa.Dialect) -> None:
        self._tables = tables
        self._by_place = dialect.paramstyle == "qmark"
        self._statements = [_insert(table, dialect) for table in tables]

    def rows(self, converted: Iterable[Converted]) -> list[list[Row]]:
        """Of each table."""
        rows: list[list[Row]] = [[] for _ in self._tables]
        for each in converted:
            rows[0].append(each.parent)
            for number, of_child in enumerate(each.children, 1):
                rows[number].extend(of_child)
        return rows

    def insert(self, connection: sa.Connection, converted: Sequence[Converted]) -> None:
        for statement, rows in zip(self._statements, self.rows(converted), strict=True):
            cells = [row.cells for row in rows]
            if self._by_place and cells:
                connection.exec_driver_sql(statement, cells)
            elif cells:
                for some in literals.rows(cells):
                    connection.exec_driver_sql(statement, (some,))

    def delete(self, connection: sa.Connection, keys: Sequence[tuple[Cell, ...]]) -> None:
        for table in self._tables:
            columns = [table.columns[column.name] for column in self._tables[0].primary_key.columns]
            for first in range(0, len(keys), KEYS_AT_ONCE):
                some = keys[first : first + KEYS_AT_ONCE]
                connection.execute(table.delete().where(_is_one_of(columns, some)))

    def replace(self, connection: sa.Connection, converted: Sequence[Converted]) -> None:
        """What there is of these documents goes, whatever it was: the same again changes nothing."""
        self.delete(connection, [each.key for each in converted])
        self.insert(connection, converted)


def _is_one_of(columns: Sequence[sa.Column[Any]], keys: Sequence[tuple[Cell, ...]]) -> sa.ColumnElement[bool]:
    if len(columns) == 1:
        return columns[0].in_([key[0] for key in keys])
    return sa.or_(*(sa.and_(*(c == cell for c, cell in zip(columns, key, strict=True))) for key in keys))


def _insert(table: sa.Table, dialect: sa.Dialect) -> str:
    """As the driver wants it: values by place, or rows as `literals` spells them."""
    quote = dialect.identifier_preparer.quote
    names = ", ".join(quote(column.name).replace("%", "%%") for column in table.columns)
    values = f"({', '.join('?' * len(table.columns))})" if dialect.paramstyle == "qmark" else "%s"
    return f"INSERT INTO {quote(table.name)} ({names}) VALUES {values}"  # noqa: S608
