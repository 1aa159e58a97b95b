"""What only a real member of a Galera cluster can show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest
from sqlalchemy import text

from broker.clock import SystemClock
from migrations import schema
from schema.tables import metadata
from tests.mariadb import Member
from tests.waiting import eventually
from tests.whirlpool.conftest import open_database, soon
from whirlpool.health import DatabaseHealth


@pytest.fixture(scope="module")
def galera_url(member: Member) -> str:
    url = member.fresh_database()
    schema.upgrade(url)
    return url


@contextmanager
def setting(member: Member, change: str, restore: str) -> Iterator[None]:
    member.ask(change)
    try:
        yield
    finally:
        member.ask(restore)


async def nobody_to_tell(well: bool) -> None:
    return


@pytest.mark.parametrize(
    ("change", "restore", "reason"),
    [
        ("SET GLOBAL read_only=ON", "SET GLOBAL read_only=OFF", "the database is read-only"),
        (
            "SET GLOBAL wsrep_desync=ON",
            "SET GLOBAL wsrep_desync=OFF",
            "the database is not in step with its cluster (Donor/Desynced)",
        ),
    ],
)
async def test_a_member_that_must_not_serve_is_recognised(
    member: Member, galera_url: str, change: str, restore: str, reason: str
) -> None:
    database = open_database(galera_url)
    health = DatabaseHealth(database, SystemClock(), Random(7), nobody_to_tell)
    with setting(member, change, restore):
        await until(health, lambda: health.reason() == reason)
    await until(health, lambda: health.reason() is None)
    await database.stop()


async def until(health: DatabaseHealth, condition: Callable[[], bool]) -> None:
    await health.start()
    try:
        await eventually(condition)
    finally:
        await health.stop()


async def test_every_table_compares_bytes_and_is_replicated(member: Member, galera_url: str) -> None:
    found = member.ask(
        "SELECT table_name, engine, table_collation FROM information_schema.tables"
        f" WHERE table_schema = '{galera_url.rpartition('/')[2]}' AND table_name <> 'alembic_version'"
    )
    assert len(found) == len(metadata.tables)
    assert {(engine, collation) for _, engine, collation in found} == {("InnoDB", "utf8mb4_bin")}


async def test_a_connection_speaks_all_of_unicode_and_cuts_nothing(galera_url: str) -> None:
    async def ask(connection: Any) -> tuple[object, ...]:
        row = await connection.execute(
            text("SELECT @@character_set_client, @@sql_mode LIKE '%STRICT_ALL%', @@tx_isolation")
        )
        return tuple(row.one())

    database = open_database(galera_url)
    assert await database.read(ask, soon()) == ("utf8mb4", 1, "REPEATABLE-READ")
    await database.stop()


async def test_a_connection_that_the_server_closed_is_replaced_unseen(member: Member, galera_url: str) -> None:
    async def number(connection: Any) -> int:
        return int(await connection.scalar(text("SELECT CONNECTION_ID()")))

    database = open_database(galera_url)
    first = await database.read(number, soon())
    member.ask(f"KILL {first}")
    assert await database.read(number, soon()) != first
    await database.stop()
