"""Settings of the connection to the hubs, each default with its reason."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field

from broker.nats.credentials import Anonymous, Credentials

PING_SECONDS = 5.0
PONG_SECONDS = 1.0
"""Two pings without an answer, and this long after the second: a silent server is given up after at most 11 s."""
CONNECT_SECONDS = 2.0
"""TCP, TLS and the handshake: a few round trips around the earth."""
BACKOFF_SECONDS_MIN = 0.1
BACKOFF_SECONDS_MAX = 2.0
FLUSH_SECONDS = 2.0
CLOSE_SECONDS = 2.0
CONGESTION_SECONDS = 1.0
"""A publisher waits this long for the server to read on; by then a call had better take another way."""
WRITE_BUFFER_BYTES = 8 * 1024 * 1024
"""The largest message of the mesh; beyond it publishers wait."""
CONGESTED_PUBLISHERS_MAX = 1024
SETTLE_SECONDS = 0.3
"""More than a round trip around the earth, and twice that between neighbouring continents."""
GO_HOME_SECONDS = 30.0
"""How often a node that had to leave its region's hub looks whether that is back."""
FAMILIAR_SECONDS = 5.0
"""A hub that has just started has no way to other regions for a second or two, and says of everybody there that nobody
listens. So long it is given to know them, before a node that came back to it goes by it."""


@dataclass(frozen=True, slots=True)
class NatsSettings:
    urls: tuple[str, ...]
    """Of any region's hubs, the node's own first. The servers tell of others of their clusters themselves."""
    home_urls: int = 1
    """How many of the first are of the node's own region: it goes back to these when they are back."""
    credentials: Credentials = field(default_factory=Anonymous)
    tls: ssl.SSLContext | None = None
    """Given: nothing is sent in the clear. None: TLS only to servers that require it, with the system's authorities."""
    tls_first: bool = False
    """The server speaks TLS before anything else."""
    echo: bool = True
    """Whether a node hears what itself publishes."""
    ping_seconds: float = PING_SECONDS
    pong_seconds: float = PONG_SECONDS
    connect_seconds: float = CONNECT_SECONDS
    backoff_seconds_min: float = BACKOFF_SECONDS_MIN
    backoff_seconds_max: float = BACKOFF_SECONDS_MAX
    flush_seconds: float = FLUSH_SECONDS
    close_seconds: float = CLOSE_SECONDS
    congestion_seconds: float = CONGESTION_SECONDS
    write_buffer_bytes: int = WRITE_BUFFER_BYTES
    congested_publishers_max: int = CONGESTED_PUBLISHERS_MAX
    settle_seconds: float = SETTLE_SECONDS
    go_home_seconds: float = GO_HOME_SECONDS
    familiar_seconds: float = FAMILIAR_SECONDS
