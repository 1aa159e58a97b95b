"""Where an andromeda is put together: broker, gateway, server, and what connects them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random

from andromeda.config import AndromedaSettings, CacheConfig, Limits
from andromeda.distances import telling
from andromeda.doors import Doors
from andromeda.front import Front
from andromeda.gateway import Gateway, Surroundings, gateway
from andromeda.invalidation import Invalidation
from andromeda.leaving import Leaving
from andromeda.metrics import EdgeMetrics
from andromeda.readiness import Readiness
from andromeda.round_trips import RoundTripBook
from andromeda.server import HttpServer
from broker import Broker, Metrics
from broker.clock import SystemClock
from broker.nats.client import NatsClient
from broker.observe.exposition import Check, Exposition
from broker.orders import OPEN, SHUT
from broker.process import Fail, Part
from schema.courses import TERMS
from schema.errors import TimedOut

SERVICE = TERMS.name.partition(".")[0]
UPSTREAM_SECONDS = 20.0
"""Longer than a region takes to start together, shorter than an operator wants to be left in the dark."""


class EdgeCaches:
    """A part of the process, so that refreshing behind the answers ends with it."""

    def __init__(self, gateway: Gateway) -> None:
        self._courses = gateway.courses

    async def start(self) -> None:
        """Nothing to begin: they fill as they are used."""

    async def drain(self) -> None:
        """A refresh is nobody's request; there is nothing to wait for."""

    async def stop(self) -> None:
        await self._courses.close()


@dataclass(frozen=True, slots=True)
class Edge:
    """A gateway, and what it knows of itself."""

    gateway: Gateway
    readiness: Readiness
    doors: Doors

    @property
    def app(self) -> Front:
        return self.gateway.app

    @property
    def metrics(self) -> EdgeMetrics:
        return self.gateway.metrics


class Upstream:
    """A part of the process that has started when there is somebody to ask: until then nobody is let in, since a client
    that is refused goes to another region, and one that is answered with an error does not."""

    def __init__(self, broker: Broker, service: str) -> None:
        self._broker = broker
        self._service = service

    async def start(self) -> None:
        with suppress(TimedOut):  # then those who come are told what is missing
            await self._broker.wait_for(self._service, deadline_seconds=UPSTREAM_SECONDS)

    async def drain(self) -> None:
        """Others' to drain."""

    async def stop(self) -> None:
        """Others' to stop."""


def parts(settings: AndromedaSettings, fail: Fail) -> Sequence[Part]:
    """Users are let in last, and are the first to go; operators are told all along why that is."""
    metrics, clock, random = Metrics(), SystemClock(), Random()  # noqa: S311 (spreads questions over time)
    broker = Broker(settings.broker_config(), NatsClient(settings.nats_settings()), metrics=metrics)
    broker.on_fatal(fail)
    edge = attach(broker, metrics, CacheConfig(documents_bytes=settings.edge_cache_bytes))
    book = RoundTripBook(clock.now)
    server = HttpServer(settings.http_address, edge.app, edge.metrics, Limits(), edge.doors, book)
    edge.doors.connections = lambda: server.connections
    around = {**checks(broker, edge.readiness, edge.doors), "http": server.why_closed}
    exposition = [Exposition(settings.metrics_address, metrics, around)] if settings.metrics_address else []
    return [
        Leaving(edge.doors),  # unheard, its signal would end the process
        *exposition,
        broker,
        Upstream(broker, SERVICE),
        edge.readiness.asking(),
        telling(broker, book, clock, random),
        EdgeCaches(edge.gateway),
        server,
    ]


def attach(broker: Broker, metrics: Metrics, cache: CacheConfig) -> Edge:
    """A gateway on a broker that has not started yet."""
    clock, random = SystemClock(), Random()  # noqa: S311 (spreads questions over time)
    readiness, doors = Readiness(broker, clock, random), Doors(clock)
    around = Surroundings(
        broker.node_id, checks(broker, readiness, doors), metrics.registry, metrics.exposition, doors, cache=cache
    )
    edge = gateway(readiness, around)
    broker.add(Invalidation(edge.courses))
    broker.on_reconnect(edge.courses.doubt_everything)
    broker.on_order(SHUT, doors.shut_until_empty)
    broker.on_order(OPEN, doors.open)
    return Edge(edge, readiness, doors)


def checks(broker: Broker, readiness: Readiness, doors: Doors) -> Mapping[str, Check]:
    """Whether this region can serve a user now."""

    def mesh() -> str | None:
        return None if broker.connected else "not connected to the mesh"

    def catalogue() -> str | None:
        return readiness.why_not() if broker.available(TERMS.name) else f"nobody answers {TERMS.name}"

    return {"mesh": mesh, "catalogue": catalogue, "doors": doors.why_not}
