"""What an andromeda may be told, and what it assumes otherwise. Read once, at the start."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from broker.settings import Address, HostAndPort, TierSettings

MIB = 1024 * 1024
DOCUMENTS_BYTES = 24 * MIB
"""Half of the catalogue of twelve years as it is, the rest folded; and the process stays under 150 MB."""
HTTP_ADDRESS_DEFAULT = Address("127.0.1.1", 8080)
"""The first region of a machine that runs several."""


class AndromedaSettings(TierSettings):
    """What the environment may say."""

    tier: ClassVar[str] = "andromeda"

    http_address: HostAndPort = HTTP_ADDRESS_DEFAULT
    edge_cache_bytes: Annotated[int, Field(ge=MIB, le=64 * 1024 * MIB, strict=False)] = DOCUMENTS_BYTES
    """For documents."""


class Limits(BaseModel):
    """Bounds of what one client may ask of us. Every one of them is answered with a 4xx."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url_bytes: int = 8_192
    """What common proxies let through."""
    head_bytes: int = 32_768
    """Request line and headers together."""
    headers: int = 100
    discarded_body_bytes: int = MIB
    """A body is never wanted; up to this much is read and thrown away, so that the client sees our answer."""
    head_timeout_seconds: float = 10.0
    """From the first byte of a request, or from the connection, to the end of its headers."""
    connections: int = 4_096
    """Beyond it a connection is answered 429; the default limit of open files leaves room for it."""


class CacheConfig(BaseModel):
    """The edge cache: how much it holds and for how long an answer is good."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    documents_bytes: int = DOCUMENTS_BYTES
    """Documents and timestamps."""
    searches_bytes: int = 4 * MIB
    fresh_seconds: float = 30.0
    stale_while_revalidate_seconds: float = 300.0
    """Beyond it nobody is handed a stale answer while the mesh could give a fresh one."""
    stale_if_error_seconds: float = 86_400.0
    timestamp_fresh_seconds: float = 1.0
    """Clients poll timestamps to learn of changes: should the event get lost, they are late by no more than this."""
    absent_fresh_seconds: float = 5.0


class UpstreamConfig(BaseModel):
    """How much of the mesh the edge uses at once."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    deadline_seconds: float = 5.0
    documents_at_once: int = 4
    """A document of 1 MB is 10 MB while it is being rendered."""
    small_at_once: int = 64
    waiting: int = Field(default=512, ge=0)
    """Requests that wait for their turn; one more is refused with 429."""
