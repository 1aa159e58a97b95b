"""A region in one process: the real gateway behind a real server, and a catalogue that tests can change and break."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import httpx
import orjson

from andromeda.bootstrap import Edge, attach
from andromeda.config import CacheConfig, Limits
from andromeda.gateway import Gateway
from andromeda.openapi_words import DOCUMENT_EXAMPLES, SEARCH_EXAMPLE
from andromeda.server import HttpServer
from broker import Broker, BrokerConfig, Context, Encoded, Metrics, Service, action
from broker.settings import Address
from broker.testing import MemoryNetwork, MemoryTransport, settled
from schema.action import Nothing
from schema.courses import (
    COURSES,
    DOCUMENT_CHANGED,
    GE,
    LOCATIONS,
    OFFERED,
    RMP,
    SEARCH,
    SUBJECTS,
    TERM,
    TERMS,
    TIMESTAMP,
    DocumentChanged,
    OfKey,
    OfQuarter,
    OfTerm,
    Search,
)
from schema.errors import MeshError, NotFound

ADDRESS = Address("127.77.51.1", 0)
CHANGED_AT = 1_476_172_800


def documents() -> dict[str, Any]:
    examples = DOCUMENT_EXAMPLES
    whole = {key: examples[key] for key in ("terms", "subjects", "ge", "rmp", "locations")}
    return whole | {
        "terms/2168": {"AMS": examples["terms/"]["AMS"] * 100},
        "courses/2168": examples["courses/"],
        "offered/fall": examples["offered/"],
    }


@dataclass
class Catalogue:
    """What the fake service answers, how often it was asked, and what it fails with."""

    documents: dict[str, Any] = field(default_factory=documents)
    changed_at: dict[str, int] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    searched: list[Search] = field(default_factory=list)
    request_ids: list[str] = field(default_factory=list)
    headers: list[dict[str, Any]] = field(default_factory=list)
    failing: Exception | None = None
    stale: bool = False
    stale_seconds: float | None = None
    gate: asyncio.Event | None = None
    """Answers wait for it."""
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, key: str, context: Context) -> Encoded:
        self.asked[key] += 1
        self.reached.set()
        self.request_ids.append(context.request_id)
        self.headers.append(dict(context.headers))
        if self.gate is not None:
            await self.gate.wait()
        if self.failing is not None:
            raise self.failing
        if self.stale:
            context.meta.update(stale=True, stale_seconds=self.stale_seconds)
        if key.startswith("timestamp/"):
            return Encoded(orjson.dumps(self._timestamp(key.removeprefix("timestamp/"))))
        return Encoded(orjson.dumps(self._document(key)))

    def forget(self) -> None:
        """What was asked so far."""
        self.asked.clear()
        self.request_ids.clear()
        self.headers.clear()

    def _timestamp(self, key: str) -> int:
        self._document(key)
        return self.changed_at.get(key, CHANGED_AT)

    def _document(self, key: str) -> Any:
        if key not in self.documents:
            raise NotFound(f"there is no {key}")
        return self.documents[key]


class FakeCourses(Service):
    name: ClassVar[str] = "courses"

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    @action(TERMS)
    async def terms(self, context: Context, request: Nothing) -> Any:
        return await self._catalogue.answer("terms", context)

    @action(TERM)
    async def term(self, context: Context, request: OfTerm) -> Any:
        return await self._catalogue.answer(f"terms/{request.code}", context)

    @action(COURSES)
    async def courses(self, context: Context, request: OfTerm) -> Any:
        return await self._catalogue.answer(f"courses/{request.code}", context)

    @action(OFFERED)
    async def offered(self, context: Context, request: OfQuarter) -> Any:
        return await self._catalogue.answer(f"offered/{request.quarter}", context)

    @action(SUBJECTS)
    async def subjects(self, context: Context, request: Nothing) -> Any:
        return await self._catalogue.answer("subjects", context)

    @action(GE)
    async def ge(self, context: Context, request: Nothing) -> Any:
        return await self._catalogue.answer("ge", context)

    @action(RMP)
    async def rmp(self, context: Context, request: Nothing) -> Any:
        return await self._catalogue.answer("rmp", context)

    @action(LOCATIONS)
    async def locations(self, context: Context, request: Nothing) -> Any:
        return await self._catalogue.answer("locations", context)

    @action(TIMESTAMP)
    async def timestamp(self, context: Context, request: OfKey) -> Any:
        return await self._catalogue.answer(f"timestamp/{request.key}", context)

    @action(SEARCH)
    async def search(self, context: Context, request: Search) -> Any:
        self._catalogue.searched.append(request)
        if isinstance(self._catalogue.failing, MeshError):
            raise self._catalogue.failing
        return SEARCH_EXAMPLE


@dataclass
class Region:
    catalogue: Catalogue
    gateway: Gateway
    attached: Edge
    edge: Broker
    logic: Broker
    edge_transport: MemoryTransport
    server: HttpServer
    http: httpx.AsyncClient

    @property
    def address(self) -> Address:
        return self.server.address

    async def change(self, key: str, document: Any) -> None:
        """Change a document and wait until the edge has heard of it."""
        self.catalogue.documents[key] = document
        self.catalogue.changed_at[key] = self.catalogue.changed_at.get(key, CHANGED_AT) + 1
        await self.tell(key)

    async def tell(self, key: str) -> None:
        await self.logic.broadcast(DOCUMENT_CHANGED, DocumentChanged(key=key, version=2))
        await settled()


@asynccontextmanager
async def region(cache: CacheConfig | None = None, limits: Limits | None = None) -> AsyncIterator[Region]:
    network = MemoryNetwork()
    catalogue = Catalogue()
    logic = Broker(BrokerConfig(region="west", node="messier-west-1"), network.transport())
    logic.add(FakeCourses(catalogue))
    metrics = Metrics()
    transport = network.transport()
    edge = Broker(BrokerConfig(region="west", node="andromeda-west-1"), transport, metrics=metrics)
    attached = attach(edge, metrics, cache or CacheConfig())
    gateway = attached.gateway
    server = HttpServer(ADDRESS, gateway.app, gateway.metrics, limits or Limits(), attached.doors)
    async with logic, edge:
        await edge.wait_for("courses", deadline_seconds=5)
        await attached.readiness.ask()
        catalogue.forget()
        await server.start()
        async with httpx.AsyncClient(base_url=f"http://{server.address}", timeout=10) as http:
            yield Region(catalogue, gateway, attached, edge, logic, transport, server, http)
        await server.stop()
        await gateway.courses.close()
