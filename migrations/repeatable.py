"""Steps of a migration that may be run twice, by two regions at once or after a crash in the middle.

MySQL's family commits every change of a table by itself, so a migration that was interrupted is half there; and
Galera has no lock that all members share (GET_LOCK is a member's own), so three regions that start together upgrade
together. Each step therefore leaves alone what is there already. What still collides, between looking and creating,
is run again (`migrations.schema`).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.sql.schema import SchemaItem

STORAGE = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def create_table(name: str, *items: SchemaItem) -> None:
    op.create_table(name, *items, if_not_exists=True, **STORAGE)


def create_index(name: str, table: str, columns: list[str]) -> None:
    if name not in {index["name"] for index in sa.inspect(op.get_bind()).get_indexes(table)}:
        op.create_index(name, table, columns)


def drop_table(name: str) -> None:
    op.drop_table(name, if_exists=True)
