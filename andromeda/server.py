"""uvicorn, run inside a process that has a life of its own: no signals, no logging set-up, no lifespan protocol."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from andromeda.config import Limits
from andromeda.metrics import EdgeMetrics
from andromeda.protocol import bounded_protocol

log = logging.getLogger(__name__)

BACKLOG = 1_024
KEEP_ALIVE_SECONDS = 15
"""Longer than a reader's pause between two clicks of one page, shorter than it takes to use up the connections."""
DRAIN_SECONDS = 10


class QuietServer(uvicorn.Server):
    """Signals belong to the process, which stops its parts in their order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpServer:
    def __init__(self, app: ASGIApp, metrics: EdgeMetrics, limits: Limits) -> None:
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

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Returns the address once connections are accepted; raises OSError if it is taken."""
        listener = _bind(host, port)
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]), name="http server")
        while not self._server.started:
            if self._serving.done():
                await self._serving
            await asyncio.sleep(0)
        bound_host, bound_port = listener.getsockname()[:2]
        log.info("serving HTTP at http://%s:%d", bound_host, bound_port)
        return bound_host, bound_port

    async def stop(self) -> None:
        """No new connections; requests under way are finished, within bounds."""
        if self._serving is not None:
            self._server.should_exit = True
            await self._serving
            self._serving = None


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener
