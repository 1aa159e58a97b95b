"""How a connection comes about: TCP, the server's INFO, TLS, CONNECT, and a first PING that it answers."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Sequence
from itertools import count
from random import Random
from typing import Any

from broker.clock import Clock, sleep
from broker.nats import lines as nats_lines
from broker.nats.connection import Connection
from broker.nats.credentials import Credentials
from broker.nats.faults import Fault, Faults
from broker.nats.info import ServerInfo
from broker.nats.parser import Arrived
from broker.nats.servers import Server, Servers
from broker.nats.settings import NatsSettings
from schema.errors import Invalid, MeshError, Unauthorized, Unavailable

LANGUAGE, VERSION, PROTOCOL = "python", "1", 1
DOUBLINGS_MAX = 10
FAILURES_LOGGED_MAX = 256

logger = logging.getLogger(__name__)


class Dialer:
    def __init__(
        self, settings: NatsSettings, servers: Servers, clock: Clock, random: Random, faults: Faults, arrived: Arrived
    ) -> None:
        self.name = ""
        self._settings = settings
        self._servers = servers
        self._clock = clock
        self._random = random
        self._faults = faults
        self._arrived = arrived
        self._failures_logged: set[str] = set()

    async def any_server(self, last: Server | None = None, *, credentials_may_heal: bool = True) -> Connection:
        """Tries until one accepts. `last` was just lost: it comes last. Raises `Unauthorized` if that may not heal."""
        for attempt in count():
            try:
                connection = await self.first_of(self._servers.nearest_first(last))
            except Unauthorized:
                if not credentials_may_heal:
                    raise
            except Unavailable:
                pass
            else:
                self._failures_logged.clear()
                return connection
            await sleep(self._clock, self._pause_seconds(attempt))
        raise AssertionError

    async def first_of(self, servers: Sequence[Server]) -> Connection:
        """Raises `Unauthorized` if one of them refused who we are, otherwise `Unavailable`."""
        failure: MeshError = Unavailable("there is no server to connect to")
        for server in servers:
            try:
                return await self.dial(server)
            except (Unauthorized, Unavailable) as error:
                self._log(error)
                failure = failure if isinstance(failure, Unauthorized) else error
        raise failure

    async def dial(self, server: Server) -> Connection:
        """Raises `Unauthorized`, `Unavailable`."""
        connection = Connection(server, self._settings, self._clock, self._faults, self._arrived)
        try:
            async with asyncio.timeout(self._settings.connect_seconds):
                await self._shake_hands(connection)
        except (OSError, MeshError) as error:
            connection.abort("no connection came about")
            raise _failure(connection, error) from error
        except asyncio.CancelledError:
            connection.abort("no connection was wanted any more")
            raise
        self._servers.tell(server, connection.info.connect_urls)
        connection.begin_pings()
        logger.info("connected to %s", connection.name)
        return connection

    async def _shake_hands(self, connection: Connection) -> None:
        server = connection.server
        context = self._settings.tls or (ssl.create_default_context() if server.tls else None)
        tls_first = self._settings.tls_first and context is not None
        await asyncio.get_running_loop().create_connection(
            lambda: connection,
            server.host,
            server.port,
            ssl=context if tls_first else None,
            server_hostname=server.certified_name if tls_first else None,
        )
        info = await _first_info(connection)
        if not tls_first and (context is not None or info.tls_required):
            if not (info.tls_required or info.tls_available):
                raise Unavailable("the server does not offer TLS")
            await connection.secure(context or ssl.create_default_context())
        connection.write(nats_lines.connect(self._options(connection)))
        await connection.flush(self._settings.connect_seconds)

    def _options(self, connection: Connection) -> dict[str, Any]:
        credentials: Credentials = connection.server.credentials or self._settings.credentials
        return {
            "name": self.name,
            "lang": LANGUAGE,
            "version": VERSION,
            "protocol": PROTOCOL,
            "verbose": False,
            "pedantic": False,
            "tls_required": connection.secured,
            "echo": self._settings.echo,
            "headers": True,
            "no_responders": True,
            **credentials.answer(connection.info.nonce or ""),
        }

    def _pause_seconds(self, attempt: int) -> float:
        """Anywhere up to a bound that doubles, so that the many clients of a server that came back come one by one."""
        bound_seconds = self._settings.backoff_seconds_min * 2 ** min(attempt, DOUBLINGS_MAX)
        return self._random.uniform(0, min(bound_seconds, self._settings.backoff_seconds_max))

    def _log(self, failure: MeshError) -> None:
        if failure.message not in self._failures_logged and len(self._failures_logged) < FAILURES_LOGGED_MAX:
            self._failures_logged.add(failure.message)
            logger.warning("%s (this is logged once until there is a connection)", failure.message)


async def _first_info(connection: Connection) -> ServerInfo:
    either: set[asyncio.Future[Any]] = {connection.first_info, connection.lost}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if not connection.first_info.done():
        raise ConnectionResetError(connection.lost.result())
    return connection.first_info.result()


def _failure(connection: Connection, error: OSError | MeshError) -> MeshError:
    if Fault.UNAUTHORIZED in connection.complaints or isinstance(error, Invalid):
        return Unauthorized(f"{connection.server} does not let this node in: {error}")
    return Unavailable(f"no connection to {connection.server}: {error or type(error).__name__}")
