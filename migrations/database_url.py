"""The database of an asynchronous service, as alembic reaches it: the same URL with a synchronous driver."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

DRIVERS: Mapping[str, str] = {"mysql": "mysql+pymysql", "mariadb": "mysql+pymysql", "sqlite": "sqlite"}


def synchronous(database_url: str) -> URL:
    """Raises ValueError where the URL is none, or names a database that the tables were not written for."""
    try:
        url = make_url(database_url)
    except ArgumentError as error:
        raise ValueError(
            "this is not a database URL; one looks like mysql://user:password@address:3306/name"
        ) from error
    backend = url.get_backend_name()
    if backend not in DRIVERS:
        raise ValueError(f"the tables run on MySQL's family and on SQLite, not on {backend}")
    url = url.set(drivername=DRIVERS[backend])
    return url if backend == "sqlite" else url.update_query_dict({"charset": "utf8mb4"})
