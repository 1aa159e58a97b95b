"""uvicorn, run inside a process that has a life of its own: no signals, no logging set-up, no lifespan protocol."""

from __future__ import annotations

import asyncio
import logging
import socket
import time

import uvicorn
from starlette.types import ASGIApp

from andromeda.config import Limits
from andromeda.doors import Doors
from andromeda.metrics import EdgeMetrics
from andromeda.protocol import bounded_protocol
from andromeda.round_trips import RoundTripBook
from broker.observe.exposition import QuietServer
from broker.settings import Address

log = logging.getLogger(__name__)

BACKLOG = 1_024
KEEP_ALIVE_SECONDS = 15
"""Longer than a reader's pause between two clicks of one page, shorter than it takes to use up the connections."""
DRAIN_SECONDS = 10
LAST_CALL_SECONDS = 2.0
"""For connections that were kept open, after nobody can open another: who uses one gets his answer, and is told that it
was the last. Closed without that, it would end just as some client asks."""
PAUSE_SECONDS = 0.05


class HttpServer:
    def __init__(
        self,
        address: Address,
        app: ASGIApp,
        metrics: EdgeMetrics,
        limits: Limits,
        doors: Doors,
        round_trips: RoundTripBook | None = None,
    ) -> None:
        """`round_trips`: where it is noted how far away clients are."""
        self._address = address
        self._doors = doors
        book = RoundTripBook(time.monotonic) if round_trips is None else round_trips
        config = uvicorn.Config(
            app,
            http=bounded_protocol(limits, metrics, book),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
        # It logs each request that is not HTTP: a stranger's choice of how much we write.
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
        self._server = QuietServer(config)
        self._serving: asyncio.Task[None] | None = None

    @property
    def address(self) -> Address:
        """Where it listens, once started; the port is a real one even if 0 was asked for."""
        return self._address

    @property
    def connections(self) -> int:
        """Open now, with a request under way or without."""
        return len(self._server.server_state.connections)

    async def start(self) -> None:
        """Returns once connections are accepted; raises OSError if the address is taken."""
        listener = _bind(self._address)
        self._address = Address(*listener.getsockname()[:2])
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]), name="http server")
        while not self._server.started:
            if self._serving.done():
                await self._serving
            await asyncio.sleep(0)
        log.info("serving HTTP at http://%s", self._address)

    def why_closed(self) -> str | None:
        return None if self._server.started else "does not listen yet"

    async def drain(self) -> None:
        """No new connections; requests under way are finished, and those kept open have a last word, within bounds."""
        self._doors.close()
        if self._server.started and not self._server.should_exit:
            await self._last_call()
        self._server.should_exit = True
        if self._serving is not None:
            await self._serving

    async def _last_call(self) -> None:
        for listening in self._server.servers:
            listening.close()
        loop = asyncio.get_running_loop()
        until = loop.time() + LAST_CALL_SECONDS
        while self.connections and loop.time() < until:  # noqa: ASYNC110 (nobody tells)
            await asyncio.sleep(PAUSE_SECONDS)

    async def stop(self) -> None:
        await self.drain()


def _bind(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener
