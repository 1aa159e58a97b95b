"""What whirlpool reads from its environment, and what it wants of its database. Every default has its reason."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from broker.workers import WorkerSettings

FAMILIES = ("mysql", "mariadb", "sqlite")

POOL_SIZE = 8
"""A region's members have few cores; more connections wait in the database instead of here."""
POOL_TIMEOUT_SECONDS = 2.0
"""Then the node says it is full, while the caller still has time to ask another."""
CONNECT_TIMEOUT_SECONDS = 2.0
"""The database is in the same region: it answers at once or is not there."""
CONNECTION_AGE_SECONDS = 1_800.0
"""Well below the server's own limit for idle connections (8 hours), and often enough to follow a moved address."""
STATEMENT_TIMEOUT_SECONDS = 30.0
"""Longest silence of the server during one statement. A call's own deadline is nearly always earlier."""
TRANSACTION_SECONDS = 20.0
"""The largest document is replaced in two; a cluster that loses a region holds a commit up for ten at most."""
LOCK_TIMEOUT_SECONDS = 3
"""Two writers of one document wait for each other no longer than this; then the later one starts over."""

Seconds = Annotated[float, Field(gt=0, le=3600)]


def parse_database_url(database_url: str) -> URL:
    """Raises ValueError, without repeating a password."""
    try:
        url = make_url(database_url)
    except (ArgumentError, ValueError):
        raise ValueError("must look like mysql://user:password@address:3306/name or sqlite:////path/file.db") from None
    if url.get_backend_name() not in FAMILIES:
        raise ValueError(f"the tables run on MySQL's family and on SQLite, not on {url.get_backend_name()}")
    return url


def _check_database_url(database_url: SecretStr) -> SecretStr:
    parse_database_url(database_url.get_secret_value())
    return database_url


DatabaseUrl = Annotated[SecretStr, AfterValidator(_check_database_url)]
"""With or without a driver's name: the driver is whirlpool's own choice."""


class DatabaseConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    database_url: DatabaseUrl
    pool_size: Annotated[int, Field(ge=1, le=100)] = POOL_SIZE
    pool_timeout_seconds: Seconds = POOL_TIMEOUT_SECONDS
    connect_timeout_seconds: Seconds = CONNECT_TIMEOUT_SECONDS
    connection_age_seconds: Seconds = CONNECTION_AGE_SECONDS
    statement_timeout_seconds: Seconds = STATEMENT_TIMEOUT_SECONDS
    transaction_seconds: Annotated[float, Field(ge=1, le=3600)] = TRANSACTION_SECONDS
    lock_timeout_seconds: Annotated[int, Field(ge=1, le=60)] = LOCK_TIMEOUT_SECONDS


class WhirlpoolSettings(WorkerSettings):
    tier: ClassVar[str] = "whirlpool"

    database_url: DatabaseUrl
    database_connections: Annotated[int, Field(ge=1, le=100)] = POOL_SIZE

    def database_config(self) -> DatabaseConfig:
        return DatabaseConfig(database_url=self.database_url, pool_size=self.database_connections)
