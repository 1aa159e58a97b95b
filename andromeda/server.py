"""uvicorn, run inside a process that has a life of its own: no signals, no logging set-up, no lifespan protocol."""

from __future__ import annotations

import asyncio
import logging
import socket

import uvicorn
from starlette.types import ASGIApp

from andromeda.config import Limits
from andromeda.metrics import EdgeMetrics
from andromeda.protocol import bounded_protocol
from broker.exposition import QuietServer
from broker.settings import Address

log = logging.getLogger(__name__)

BACKLOG = 1_024
KEEP_ALIVE_SECONDS = 15
"""Longer than a reader's pause between two clicks of one page, shorter than it takes to use up the connections."""
DRAIN_SECONDS = 10


class HttpServer:
    def __init__(self, address: Address, app: ASGIApp, metrics: EdgeMetrics, limits: Limits) -> None:
        self._address = address
        config = uvicorn.Config(
            app,
            http=bounded_protocol(limits, metrics),
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

    async def drain(self) -> None:
        """No new connections; requests under way are finished, within bounds."""
        self._server.should_exit = True
        if self._serving is not None:
            await self._serving

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
