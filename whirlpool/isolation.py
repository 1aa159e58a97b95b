"""Updates that overwrite nothing they have not seen. Galera certifies what a transaction writes and not what it read:
a value that was read, computed with and written back can undo another region's change, so domain code never does that.

    version = await update_seen(connection, rooms, {"code": "A1"}, seen_version=3, values={"seats": 40})
    balance = await add_to(connection, accounts, {"id": 7}, "balance", -20, at_least=0)

The first changes a row if it is still as its caller saw it; the second computes inside the database, in one statement.
`SELECT ... FOR UPDATE` is no third way: its locks hold on one member.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from schema.errors import Conflict, NotFound
from whirlpool.driver_errors import says_duplicate

VERSION = "version"
"""The column that counts a row's changes."""


async def update_seen(
    connection: AsyncConnection, table: Table, key: Mapping[str, Any], seen_version: int, values: Mapping[str, Any]
) -> int:
    """Returns the new version. Raises `Conflict`, with the version there is now, if it is not the one that was seen."""
    version = table.c[VERSION]
    seen = update(table).where(_is(table, key), version == seen_version)
    changed = await connection.execute(seen.values({**values, VERSION: version + 1}))
    if changed.rowcount:
        return seen_version + 1
    there = await _value(connection, table, key, VERSION)
    raise Conflict(f"somebody else was first: {table.name} is at version {there}", {VERSION: there})


async def add_to(
    connection: AsyncConnection,
    table: Table,
    key: Mapping[str, Any],
    column: str,
    amount: int,
    *,
    at_least: int | None = None,
) -> int:
    """Returns the sum. Raises `Conflict`, with the value there is, if the sum would be less than `at_least`."""
    sum_ = table.c[column] + amount
    conditions = [_is(table, key)] if at_least is None else [_is(table, key), sum_ >= at_least]
    changed = await connection.execute(update(table).where(*conditions).values({column: sum_}))
    there = await _value(connection, table, key, column)
    if not changed.rowcount:
        raise Conflict(f"{column} of {table.name} is {there}, and must not fall below {at_least}", {column: there})
    return there


async def insert_new(connection: AsyncConnection, table: Table, row: Mapping[str, Any]) -> bool:
    """False if there is a row with its key, or as soon as another transaction has committed one.

    Not `INSERT IGNORE`, which ignores much else, and of which the driver asks and logs the warnings each time."""
    try:
        await connection.execute(insert(table), row)
    except IntegrityError as error:
        if not says_duplicate(error):
            raise
        return False
    return True


async def _value(connection: AsyncConnection, table: Table, key: Mapping[str, Any], column: str) -> int:
    value = await connection.scalar(select(table.c[column]).where(_is(table, key)))
    if value is None:
        raise NotFound(f"{table.name} has no such row", dict(key))
    return int(value)


def _is(table: Table, key: Mapping[str, Any]) -> ColumnElement[bool]:
    return and_(*(table.c[column] == value for column, value in key.items()))
