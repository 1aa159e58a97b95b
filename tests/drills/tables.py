"""The drill's tables, beside those of the product. Elements of sets have no key of their own: doubles shall show."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table, Text, create_engine, insert
from sqlalchemy.engine import make_url

NAME_LENGTH = 64

metadata = MetaData()
OPTIONS: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def _named(table: str, *columns: Column[Any]) -> Table:
    return Table(f"drill_{table}", metadata, Column("name", String(NAME_LENGTH), primary_key=True), *columns, **OPTIONS)


counters = _named("counters", Column("value", Integer, nullable=False))
accounts = _named("accounts", Column("bank", String(NAME_LENGTH), nullable=False), Column("balance", Integer))
registers = _named("registers", Column("version", Integer, nullable=False), Column("value", String(NAME_LENGTH)))
lists = _named("lists", Column("version", Integer, nullable=False), Column("elements", Text, nullable=False))
elements = Table(
    "drill_elements",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=True),
    Column("name", String(NAME_LENGTH), nullable=False, index=True),
    Column("element", String(NAME_LENGTH), nullable=False),
    **OPTIONS,
)


def create(database_url: str, rows: dict[Table, list[dict[str, object]]]) -> None:
    """Through any member: the others replicate it."""
    engine = create_engine(make_url(database_url).set(drivername="mysql+pymysql"))
    metadata.create_all(engine)
    with engine.begin() as connection:
        for table, values in rows.items():
            connection.execute(insert(table), values)
    engine.dispose()
