"""Rows in portions: a statement of bounded size, and other requests get their turn between two of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from sqlalchemy import Table, insert
from sqlalchemy.ext.asyncio import AsyncConnection

Item = TypeVar("Item")

BATCH_ROWS = 500
"""About 100 kB of SQL and 5 ms of our own work at a time."""


def batches(items: Sequence[Item], size: int = BATCH_ROWS) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


async def insert_rows(connection: AsyncConnection, table: Table, rows: Sequence[dict[str, object]]) -> None:
    for batch in batches(rows):
        await connection.execute(insert(table), batch)
