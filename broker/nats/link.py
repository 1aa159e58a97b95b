"""Which connection is in use: found again when it is lost, exchanged when its server is about to stop or too far away.

An exchange loses nothing and doubles nothing: for a while both connections carry every subscription, and twins are
dropped. During it, messages of one sender may overtake each other.
"""

from __future__ import annotations

import logging
from functools import partial
from random import Random

from broker.clock import Clock, sleep
from broker.nats.connection import Connection
from broker.nats.dial import Dialer
from broker.nats.info import ServerInfo
from broker.nats.servers import Server, Servers
from broker.nats.settings import NatsSettings
from broker.nats.subscriptions import Subscriptions
from broker.nats.twins import Twins
from broker.periodic import every
from broker.tasks import Tasks
from broker.transport import Listener
from schema.errors import MeshError

logger = logging.getLogger(__name__)


class Link:
    def __init__(
        self,
        settings: NatsSettings,
        *,
        servers: Servers,
        dialer: Dialer,
        subscriptions: Subscriptions,
        clock: Clock,
        random: Random,
    ) -> None:
        self.connection: Connection | None = None
        self._other: Connection | None = None
        """The one before or after, while both carry the subscriptions."""
        self._settings = settings
        self._servers = servers
        self._dialer = dialer
        self._subscriptions = subscriptions
        self._clock = clock
        self._random = random
        self._listener = Listener()
        self._tasks = Tasks()

    @property
    def moving(self) -> bool:
        return self._other is not None

    async def connect(self, listener: Listener) -> None:
        """Waits for as long as no server can be reached. Raises `Unauthorized` if one refuses its credentials."""
        self._listener = listener
        self._use(await self._dialer.any_server(credentials_may_heal=False))
        self._tasks.spawn(every(self._clock, self._settings.go_home_seconds, self._random, self._look_home))

    def write(self, line: bytes) -> None:
        """To all that carry the subscriptions. Without a connection nothing is lost: the next is told all of them."""
        for connection in (self.connection, self._other):
            if connection is not None:
                connection.write(line)

    async def close(self) -> None:
        """What has come in is handed over, what was published is sent."""
        self._listener = Listener()
        await self._tasks.cancel()
        connections, self.connection, self._other = (self.connection, self._other), None, None
        for connection in connections:
            if connection is not None:
                await self._drain(connection)

    # --- losing it ------------------------------------------------------------------------------------------

    def _use(self, connection: Connection) -> None:
        connection.parser.arrived = self._subscriptions.arrived
        connection.write(self._subscriptions.lines())
        self._adopt(connection)

    def _adopt(self, connection: Connection) -> None:
        self.connection = connection
        connection.on_later_info = partial(self._informed, connection)
        connection.lost.add_done_callback(lambda lost: self._lost(connection, lost.result()))

    def _lost(self, connection: Connection, reason: str) -> None:
        if connection is not self.connection:
            return
        logger.warning("lost the connection to %s: %s", connection.name, reason)
        self.connection = None
        self._tasks.spawn(self._reconnect(connection.server))
        self._listener.disconnected()

    async def _reconnect(self, last: Server) -> None:
        self._use(await self._dialer.any_server(last))
        self._listener.reconnected()

    # --- exchanging it --------------------------------------------------------------------------------------

    def _informed(self, connection: Connection, info: ServerInfo) -> None:
        self._servers.tell(connection.server, info.connect_urls)
        if info.ldm and connection is self.connection:
            logger.warning("%s is about to stop", connection.name)
            self._tasks.spawn(self._leave(connection))

    async def _leave(self, old: Connection) -> None:
        while self.connection is old:
            await self._move(old, await self._dialer.any_server(old.server))
            await sleep(self._clock, self._settings.backoff_seconds_min)

    async def _look_home(self) -> None:
        old = self.connection
        if old is None or old.server.home:
            return
        try:
            new = await self._dialer.first_of(self._servers.home())
        except MeshError:
            return
        await sleep(self._clock, self._settings.familiar_seconds)
        if new.info.ldm:
            new.close("it is about to stop again")
        else:
            await self._move(old, new)

    async def _move(self, old: Connection, new: Connection) -> None:
        if self.connection is not old or self._other is not None:
            new.close("not needed any more")
            return
        twins = Twins(self._subscriptions.arrived, self._subscriptions.comes_twice)
        old.parser.arrived, new.parser.arrived = twins.by_one, twins.by_other
        self._other = new
        if await self._listens(new) and self.connection is old:
            await self._leave_behind(old, new)
        else:
            new.close("not needed any more")
            old.parser.arrived = self._subscriptions.arrived
        self._other = None

    async def _listens(self, new: Connection) -> bool:
        new.write(self._subscriptions.lines())
        try:
            await new.flush(self._settings.flush_seconds)
        except MeshError as error:
            logger.warning("could not move to %s: %s", new.name, error.message)
            return False
        return True

    async def _leave_behind(self, old: Connection, new: Connection) -> None:
        """Other regions' servers learn of the new subscriptions a little later than the new server itself."""
        self._adopt(new)
        self._other = old
        await sleep(self._clock, self._settings.settle_seconds)
        await self._drain(old)
        new.parser.arrived = self._subscriptions.arrived

    async def _drain(self, connection: Connection) -> None:
        connection.write(self._subscriptions.lines_to_end())
        try:
            await connection.flush(self._settings.close_seconds)
        except MeshError as error:
            logger.debug("%s did not confirm the end: %s", connection.name, error.message)
        await connection.closed(self._settings.close_seconds)
