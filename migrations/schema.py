"""The SQL schema's version: move a database to one, and say which one it has.

Several regions may upgrade one database at once, because each runs this at its start. All steps are repeatable, so
the one that comes second finds them done, or collides with the first and runs again: that converges, since every run
leaves less to do.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, create_engine, pool
from sqlalchemy.exc import DBAPIError

from migrations.database_url import synchronous

logger = logging.getLogger(__name__)

ATTEMPTS = 6
PAUSE_SECONDS = 0.5
"""Doubled after each attempt: 15 seconds in all, longer than a member of the cluster is away when it is restarted."""
CONNECT_TIMEOUT_SECONDS = 10

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
        return MigrationContext.configure(connection).get_current_revision()


def newest() -> str | None:
    """The version that this code base brings along."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _pauses() -> Iterator[float]:
    for attempt in range(ATTEMPTS - 1):
        yield PAUSE_SECONDS * 2**attempt * random.uniform(0.5, 1.0)  # noqa: S311 (spreads the regions, guards nothing)


def _run(step: Callable[[Config, str], None], database_url: str, revision: str) -> None:
    with _connection(database_url) as connection:
        config = _config()
        config.attributes["connection"] = connection
        step(config, revision)
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
            yield connection
    finally:
        engine.dispose()
