"""The SQL schema's version: move a database to one, and say which one it has.

Several regions may upgrade one database at once, because each runs this at its start. All steps are repeatable, so
the one that comes second finds them done, or collides with the first and runs again: that converges, since every run
leaves less to do. One that is overtaken may note a version that is behind the one that is there: the furthest counts.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, create_engine, pool, text
from sqlalchemy.exc import DBAPIError

from migrations.database_url import synchronous
from schema.tables import metadata

logger = logging.getLogger(__name__)

ATTEMPTS = 6
PAUSE_SECONDS = 0.5
"""Doubled after each attempt: 15 seconds in all, longer than a member of the cluster is away when it is restarted."""
CONNECT_TIMEOUT_SECONDS = 10
LOCK_TIMEOUT_SECONDS = 10
"""A change of a table that waits for a long transaction makes all behind it wait too: rather give up, try again."""

COLLISIONS = (DBAPIError, CommandError)
"""Table or version row is there already (1050, 1061, 1062), deadlock (1213), a version row that moved meanwhile."""


def upgrade(database_url: str, revision: str = "head", *, sleep: Callable[[float], None] = time.sleep) -> str | None:
    """Bring the schema up to `revision`, however many do the same at the same time; returns the version reached."""
    for pause_seconds in _pauses():
        try:
            _run(command.upgrade, database_url, revision)
            break
        except COLLISIONS as collision:
            logger.info("upgrade of the schema did not go through, trying again: %s", collision)
            sleep(pause_seconds)
    else:
        _run(command.upgrade, database_url, revision)
    return current(database_url)


def downgrade(database_url: str, revision: str) -> str | None:
    _run(command.downgrade, database_url, revision)
    return current(database_url)


def current(database_url: str) -> str | None:
    """The version of the database's schema; None where there is none yet."""
    with _connection(database_url) as connection:
        return _furthest(_noted(connection))


def newest() -> str | None:
    """The version that this code base brings along."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def history() -> list[tuple[str, str]]:
    """Every version that this code base brings along, the newest first, and what it is for."""
    script = ScriptDirectory.from_config(_config())
    return [(each.revision, each.doc.strip().splitlines()[0]) for each in script.walk_revisions()]


def differences(database_url: str) -> list[str]:
    """Where the database's tables are not those that the code expects."""
    with _connection(database_url) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": _is_ours})
        return [str(each) for each in compare_metadata(context, metadata)]


def _is_ours(_: object, name: str | None, kind: str, reflected: bool, __: object) -> bool:
    """Tables that plans of migrations have made are none of the schema's."""
    return not (kind == "table" and reflected and name not in metadata.tables)


def _pauses() -> Iterator[float]:
    for attempt in range(ATTEMPTS - 1):
        yield PAUSE_SECONDS * 2**attempt * random.uniform(0.5, 1.0)  # noqa: S311 (spreads the regions, guards nothing)


def _run(step: Callable[[Config, str], None], database_url: str, revision: str) -> None:
    with _connection(database_url) as connection:
        config = _config()
        config.attributes["connection"] = connection
        _forget_overtaken(connection)
        step(config, revision)
        connection.commit()


def _noted(connection: Connection) -> Sequence[str]:
    return MigrationContext.configure(connection).get_current_heads()


def _furthest(versions: Sequence[str]) -> str | None:
    """Our versions form a line. One that this code base does not know yet is ahead of all that it knows."""
    newest_first = [script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()]
    return min(versions, key=lambda each: newest_first.index(each) if each in newest_first else -1, default=None)


def _forget_overtaken(connection: Connection) -> None:
    """Deletes by name what was overtaken: the furthest version may meanwhile have moved on, and is to stay."""
    versions = _noted(connection)
    overtaken = [{"version": each} for each in versions if each != _furthest(versions)]
    if overtaken:
        connection.execute(text("DELETE FROM alembic_version WHERE version_num = :version"), overtaken)
        connection.commit()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    return config


@contextmanager
def _connection(database_url: str) -> Iterator[Connection]:
    url = synchronous(database_url)
    timeouts = {"timeout" if url.get_backend_name() == "sqlite" else "connect_timeout": CONNECT_TIMEOUT_SECONDS}
    engine = create_engine(url, connect_args=timeouts, poolclass=pool.NullPool)
    try:
        with engine.connect() as connection:
            if url.get_backend_name() != "sqlite":
                connection.exec_driver_sql(f"SET SESSION lock_wait_timeout = {LOCK_TIMEOUT_SECONDS}")
                connection.commit()
            yield connection
    finally:
        engine.dispose()
