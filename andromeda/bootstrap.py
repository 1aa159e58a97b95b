"""Where an andromeda is put together: broker, gateway, server, and what connects them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from andromeda.config import AndromedaSettings, CacheConfig, Limits
from andromeda.gateway import Gateway, Surroundings, gateway
from andromeda.invalidation import Invalidation
from andromeda.server import HttpServer
from broker import Broker, Metrics
from broker.exposition import Check, Exposition
from broker.nats_client import NatsClient
from broker.process import Fail, Part
from schema.courses import TERMS


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


def parts(settings: AndromedaSettings, fail: Fail) -> Sequence[Part]:
    """HTTP is there before the mesh is, to say that it is not ready yet and why."""
    metrics = Metrics()
    broker = Broker(settings.broker_config(), NatsClient(settings.nats_settings()), metrics=metrics)
    broker.on_fatal(fail)
    edge = attach(broker, metrics, CacheConfig(documents_bytes=settings.edge_cache_bytes))
    server = HttpServer(settings.http_address, edge.app, edge.metrics, Limits())
    exposition = [Exposition(settings.metrics_address, metrics, checks(broker))] if settings.metrics_address else []
    return [*exposition, server, EdgeCaches(edge), broker]


def attach(broker: Broker, metrics: Metrics, cache: CacheConfig) -> Gateway:
    """A gateway on a broker that has not started yet."""
    around = Surroundings(broker.node_id, checks(broker), metrics.registry, metrics.exposition, cache=cache)
    edge = gateway(broker, around)
    broker.add(Invalidation(edge.courses))
    broker.on_reconnect(edge.courses.doubt_everything)
    return edge


def checks(broker: Broker) -> Mapping[str, Check]:
    """Whether this region can serve a user now."""

    def mesh() -> str | None:
        return None if broker.connected else "not connected to the mesh"

    def catalogue() -> str | None:
        return None if broker.available(TERMS.name) else f"nobody answers {TERMS.name}"

    return {"mesh": mesh, "catalogue": catalogue}
