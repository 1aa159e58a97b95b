"""The tables of a plan, as SQLAlchemy knows them, for MySQL's family and for SQLite.

JSON is kept as text: MySQL's own JSON type puts keys in another order and numbers in another shape. Keys and indexed
texts are kept as bytes (`ExactText`), because collations take `x` and `x ` for the same, or `x` and `X`.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.sql.schema import SchemaItem
from sqlalchemy.types import TypeEngine

from migrations.nosql.plan import POSITION, TYPE, ChildPlan, ColumnPlan, IndexPlan, Plan, TablePlan
from schema.tables import ExactText

LONG_TEXT = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
LONG_BYTES = sa.LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb")
MOMENT = sa.String(26).with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
DOUBLE: TypeEngine[Any] = sa.Double().with_variant(mysql.DOUBLE(asdecimal=False), "mysql", "mariadb")


class PlannedTables:
    """Of each table of the plan its own table, then those of its children."""

    def __init__(self, plan: Plan) -> None:
        self.metadata = sa.MetaData()
        self.of = {table.name: self._add(table) for table in plan.tables}

    def sql(self, dialect: sa.Dialect) -> str:
        statements: list[str] = []
        for table in self.metadata.tables.values():
            statements.append(str(CreateTable(table).compile(dialect=dialect)).strip())
            indexes = sorted(table.indexes, key=lambda index: str(index.name))
            statements += [str(CreateIndex(index).compile(dialect=dialect)).strip() for index in indexes]
        return ";\n\n".join(statements) + ";"

    def _add(self, plan: TablePlan) -> list[sa.Table]:
        exact = _indexed(plan.indexes) | set(plan.key)
        columns = [_column(each, exact, key=each.name in plan.key) for each in plan.columns]
        columns += [sa.Column(child.count, sa.Integer) for child in plan.children]
        columns += [sa.Column(plan.rest, LONG_TEXT)] if plan.rest else []
        parent = self._table(plan.name, columns, plan.key, plan.indexes)
        return [parent, *(self._add_child(plan, child) for child in plan.children)]

    def _add_child(self, plan: TablePlan, child: ChildPlan) -> sa.Table:
        columns = [_column(each, set(plan.key), key=True) for each in plan.key_columns()]
        columns.append(sa.Column(POSITION, sa.Integer, primary_key=True, autoincrement=False))
        columns += [_column(each, _indexed(child.indexes), key=False) for each in child.columns]
        return self._table(child.name, columns, (*plan.key, POSITION), child.indexes)

    def _table(
        self, name: str, columns: list[sa.Column[Any]], key: tuple[str, ...], indexes: tuple[IndexPlan, ...]
    ) -> sa.Table:
        return define(
            self.metadata,
            name,
            *columns,
            sa.PrimaryKeyConstraint(*key),
            *(sa.Index(index.name, *index.columns, unique=index.unique) for index in indexes),
        )


def define(metadata: sa.MetaData, name: str, *items: SchemaItem) -> sa.Table:
    return sa.Table(name, metadata, *items, mysql_engine="InnoDB", mysql_charset="utf8mb4", mysql_collate="utf8mb4_bin")


def _indexed(indexes: tuple[IndexPlan, ...]) -> set[str]:
    return {column for index in indexes for column in index.columns}


def _column(plan: ColumnPlan, exact: set[str], *, key: bool) -> sa.Column[Any]:
    kind = _type(plan.type, exact=plan.name in exact)
    return sa.Column(plan.name, kind, primary_key=key, autoincrement=False, nullable=not (plan.required or key))


def _type(name: str, *, exact: bool) -> TypeEngine[Any]:
    kind = TYPE.fullmatch(name)
    if kind is None:
        raise ValueError(f"there is no type {name}")
    if kind.group(1):
        return ExactText(int(kind.group(2))) if exact else sa.String(int(kind.group(2)))
    if kind.group(3):
        return sa.String(int(kind.group(4)) + 2).with_variant(
            sa.Numeric(int(kind.group(4)), int(kind.group(5))), "mysql", "mariadb"
        )
    return PLAIN[name]


PLAIN: dict[str, TypeEngine[Any]] = {
    "integer": sa.BigInteger(),
    "number": DOUBLE,
    "boolean": sa.SmallInteger(),
    "time": MOMENT,
    "bytes": LONG_BYTES,
    "json": LONG_TEXT,
    "long text": LONG_TEXT,
}
