"""What whirlpool wants to know of its database. Every default has its reason."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr

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
LOCK_TIMEOUT_SECONDS = 3
"""Two writers of one document wait for each other no longer than this; then the later one starts over."""

Seconds = Annotated[float, Field(gt=0, le=3600)]


class DatabaseConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    database_url: SecretStr
    """`mysql://user:password@address:3306/localgroup` or `sqlite:////path/file.db`, with or without a driver's name."""
    pool_size: Annotated[int, Field(ge=1, le=100)] = POOL_SIZE
    pool_timeout_seconds: Seconds = POOL_TIMEOUT_SECONDS
    connect_timeout_seconds: Seconds = CONNECT_TIMEOUT_SECONDS
    connection_age_seconds: Seconds = CONNECTION_AGE_SECONDS
    statement_timeout_seconds: Seconds = STATEMENT_TIMEOUT_SECONDS
    lock_timeout_seconds: Annotated[int, Field(ge=1, le=60)] = LOCK_TIMEOUT_SECONDS
