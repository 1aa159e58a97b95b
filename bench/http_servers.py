"""The two servers that are compared, each a process of its own: our gateway, and a bare Starlette route.

Same interpreter, loop, parser and uvicorn settings; the same bytes. `python -m bench.http_servers CONTENDER HOST:PORT`
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any, ClassVar

import orjson
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from andromeda.bootstrap import attach
from andromeda.config import CacheConfig, Limits
from andromeda.server import BACKLOG, HttpServer
from bench.http_bodies import large, small
from broker import Broker, BrokerConfig, Context, Encoded, Metrics, Service, action
from broker.settings import Address, parse_address
from broker.testing import MemoryNetwork
from schema.action import Nothing
from schema.courses import GE, TERM, OfTerm

LARGE_PATH = "/slugsurvival/data/fetch/terms/2168"
SMALL_PATH = "/slugsurvival/data/fetch/ge"


class Source(Service):
    """Stands for the tiers behind the edge, which are asked once."""

    name: ClassVar[str] = "courses"

    @action(TERM)
    async def term(self, context: Context, request: OfTerm) -> Any:
        return Encoded(orjson.dumps(large()))

    @action(GE)
    async def ge(self, context: Context, request: Nothing) -> Any:
        return Encoded(orjson.dumps(small()))


async def serve_localgroup(address: Address) -> None:
    metrics = Metrics()
    broker = Broker(
        BrokerConfig(region="bench", node="andromeda-bench-1"), MemoryNetwork().transport(), metrics=metrics
    )
    broker.add(Source())
    edge = attach(broker, metrics, CacheConfig())
    server = HttpServer(address, edge.app, edge.metrics, Limits(), edge.doors)
    async with broker:
        await server.start()
        await asyncio.Event().wait()


async def serve_starlette(address: Address) -> None:
    bodies = {LARGE_PATH: orjson.dumps(large()), SMALL_PATH: orjson.dumps(small())}

    async def answer(request: Request) -> Response:
        return Response(bodies[request.url.path], media_type="application/json")

    config = uvicorn.Config(
        Starlette(routes=[Route(path, answer) for path in bodies]),
        host=address.host,
        port=address.port,
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
    )
    await uvicorn.Server(config).serve()


SERVERS = {"localgroup": serve_localgroup, "starlette": serve_starlette}

if __name__ == "__main__":
    uvloop.run(SERVERS[sys.argv[1]](parse_address(sys.argv[2])))
