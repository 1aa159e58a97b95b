"""Which servers there are, and in which order to try them: those of the node's own region first.

Servers are configured, or told of by the servers themselves; the latter belong to the same cluster, hence to the same
region, as the one that told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from random import Random
from urllib.parse import SplitResult, unquote, urlsplit

from broker.nats.credentials import Credentials, Token, UserAndPassword
from schema.errors import Invalid

PORT = 4222
TOLD_MAX = 256
SCHEMES = ("nats", "tls")


@dataclass(frozen=True, slots=True)
class Server:
    host: str
    port: int
    home: bool = True
    tls: bool = False
    tls_name: str = field(default="", compare=False)
    """What its certificate is for, if not for the host: clusters tell of addresses, certificates of names."""
    credentials: Credentials | None = field(default=None, compare=False)
    """From its URL; None: those of the settings."""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def certified_name(self) -> str:
        return self.tls_name or self.host


def parse_server(url: str, *, home: bool = True) -> Server:
    """`nats://[user:password@]host[:port]`, or `tls://...`. Raises `Invalid`, without what may be secret in it."""
    try:
        parts = urlsplit(url if "://" in url else f"nats://{url}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise Invalid(f"a NATS URL that is none: {error}") from None
    if parts.scheme not in SCHEMES or not host:
        raise Invalid("a NATS URL is nats://host:port or tls://host:port")
    return Server(host, port or PORT, home, parts.scheme == "tls", credentials=_credentials(parts))


def _credentials(parts: SplitResult) -> Credentials | None:
    if parts.username is None:
        return None
    user = unquote(parts.username)
    return Token(user) if parts.password is None else UserAndPassword(user, unquote(parts.password))


class Servers:
    def __init__(self, urls: Sequence[str], home_urls: int, random: Random) -> None:
        if not urls:
            raise Invalid("no NATS server is configured")
        self._configured = [parse_server(url, home=index < home_urls) for index, url in enumerate(urls)]
        self._told: dict[Server, list[Server]] = {}
        self._random = random

    def tell(self, by: Server, urls: Iterable[str]) -> None:
        """What `by` says of its cluster replaces what it, or another of its cluster, had said before."""
        told = [server for url in urls if (server := _told_server(by, url)) is not None][:TOLD_MAX]
        members = {by, *told}
        for teller in [teller for teller, others in self._told.items() if members & {teller, *others}]:
            del self._told[teller]
        self._told[by] = [server for server in told if not self._is_configured(server)]

    def nearest_first(self, last: Server | None = None) -> list[Server]:
        """Each once; `last`, which was just lost, at the end."""
        servers = [*self._configured, *(server for told in self._told.values() for server in told)]
        servers = list(dict.fromkeys(servers))
        self._random.shuffle(servers)
        return sorted(servers, key=lambda server: (server == last, not server.home))

    def home(self) -> list[Server]:
        return [server for server in self.nearest_first() if server.home]

    def _is_configured(self, server: Server) -> bool:
        return any((server.host, server.port) == (other.host, other.port) for other in self._configured)


def _told_server(by: Server, url: str) -> Server | None:
    try:
        told = parse_server(url, home=by.home)
    except Invalid:
        return None
    tls_name = by.certified_name if _is_address(told.host) else ""
    return Server(told.host, told.port, by.home, by.tls, tls_name, by.credentials)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
