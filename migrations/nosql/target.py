"""The database that documents are loaded into: how it is reached, and which of its refusals mean what."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from migrations.database_url import synchronous
from migrations.nosql.checksums import teach_sqlite
from migrations.nosql.literals import conversions_with_rows

CONNECT_SECONDS = 10
ANSWER_SECONDS = 600
"""For one statement: summing a large table's checksums takes the database minutes."""
LOCK_SECONDS = 50
STRICT = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'"
"""Without it the server cuts what is too long, and says so in a warning."""

TRANSIENT = frozenset({1040, 1047, 1053, 1205, 1213, 2002, 2003, 2006, 2013, 2055})
"""Too many connections, a member that is not ready or goes down, a lock's timeout, a conflict at certification, and
connections that broke: the same transaction may go through a little later."""
TOO_LARGE = frozenset({1153, 1105, 1301})
"""A packet beyond `max_allowed_packet`, or a write-set beyond `wsrep_max_ws_size`."""


@contextmanager
def reached(database_url: str) -> Iterator[sa.Engine]:
    engine = open_engine(database_url)
    try:
        yield engine
    finally:
        engine.dispose()


def open_engine(database_url: str) -> sa.Engine:
    url = synchronous(database_url)
    if url.get_backend_name() == "sqlite":
        return _sqlite(url)
    options = {
        "conv": conversions_with_rows(),
        "connect_timeout": CONNECT_SECONDS,
        "read_timeout": ANSWER_SECONDS,
        "write_timeout": ANSWER_SECONDS,
    }
    engine = sa.create_engine(url, connect_args=options, isolation_level="READ COMMITTED", pool_pre_ping=True)

    @sa.event.listens_for(engine, "connect")
    def be_strict(connection: Any, _: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(STRICT)
            cursor.execute(f"SET SESSION lock_wait_timeout = {LOCK_SECONDS}")

    return engine


def _sqlite(url: sa.URL) -> sa.Engine:
    """Transactions begin where we say, so that tables, rows and progress are one."""
    engine = sa.create_engine(url, connect_args={"timeout": LOCK_SECONDS})

    @sa.event.listens_for(engine, "connect")
    def take_over(connection: Any, _: object) -> None:
        connection.isolation_level = None
        teach_sqlite(connection)

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def is_transient(error: DBAPIError) -> bool:
    return error.connection_invalidated or _code(error) in TRANSIENT or "database is locked" in str(error.orig)


def is_about_data(error: DBAPIError) -> bool:
    """The rows themselves are refused; others may be taken."""
    if _code(error) in TOO_LARGE:
        return True
    return isinstance(error, sa.exc.IntegrityError | sa.exc.DataError) or "too big" in str(error.orig)


def reason(error: DBAPIError) -> str:
    return str(error.orig.args[-1] if error.orig and error.orig.args else error)


def _code(error: DBAPIError) -> int | None:
    arguments = error.orig.args if error.orig is not None else ()
    return arguments[0] if arguments and isinstance(arguments[0], int) else None
