"""What a tier tells its operators over HTTP: `/metrics`, `/healthz` (it lives) and `/readyz` (it can serve now)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from broker.observe.metrics import Metrics
from broker.settings import Address

Check: TypeAlias = Callable[[], str | None]
"""Why this part is not ready, or None if it is. Must be quick: it tells what it knows already."""

SHUTDOWN_SECONDS = 1
"""Scrapes are short: nobody has to be waited for longer."""


def routes(metrics: Metrics, checks: Mapping[str, Check]) -> Sequence[Route]:
    """For a tier that serves HTTP anyway."""

    async def metrics_text(request: Request) -> Response:
        return Response(metrics.exposition(), media_type=CONTENT_TYPE_LATEST)

    async def healthz(request: Request) -> Response:
        return JSONResponse({"healthy": True})

    async def readyz(request: Request) -> Response:
        reasons = {name: reason for name, check in checks.items() if (reason := check()) is not None}
        return JSONResponse({"ready": not reasons, "reasons": reasons}, status_code=503 if reasons else 200)

    return [Route("/metrics", metrics_text), Route("/healthz", healthz), Route("/readyz", readyz)]


class QuietServer(uvicorn.Server):
    """Leaves signals to the process that it is a part of."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Exposition:
    """A part of a process that serves the routes on an address of its own."""

    def __init__(self, address: Address, metrics: Metrics, checks: Mapping[str, Check]) -> None:
        app = Starlette(routes=routes(metrics, checks))
        self._server = QuietServer(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="off",
                timeout_graceful_shutdown=SHUTDOWN_SECONDS,
            )
        )
        self._address = address
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Raises `OSError` if the address is taken."""
        family = socket.AF_INET6 if ":" in self._address.host else socket.AF_INET
        listening = socket.create_server(self._address, family=family)
        self._serving = asyncio.ensure_future(self._server.serve([listening]))

    async def drain(self) -> None:
        """Metrics are served to the end."""

    async def stop(self) -> None:
        self._server.should_exit = True
        if self._serving is not None:
            await self._serving
