"""The ASGI application, put together from its parts: what answers which path, behind the front."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version

from prometheus_client import CollectorRegistry

from andromeda.catalogue import PREFIX
from andromeda.config import CacheConfig, UpstreamConfig
from andromeda.courses import SEARCH_PATH, Courses, Mesh
from andromeda.doors import Doors
from andromeda.edge_cache import EdgeCache
from andromeda.front import Front
from andromeda.metrics import EdgeMetrics
from andromeda.operation import Operation
from andromeda.responder import Responder
from andromeda.routing import application, fixed_route, route
from andromeda.site import contents
from broker.observe.exposition import Check

DISTRIBUTION = "localgroup"


@dataclass(frozen=True, slots=True)
class Gateway:
    app: Front
    courses: Courses
    metrics: EdgeMetrics


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the gateway needs to know of the process that it lives in."""

    node_id: str
    checks: Mapping[str, Check]
    registry: CollectorRegistry
    exposition: Callable[[], bytes]
    doors: Doors
    clock: Callable[[], float] = time.monotonic
    cache: CacheConfig = field(default_factory=CacheConfig)
    upstream: UpstreamConfig = field(default_factory=UpstreamConfig)


def gateway(mesh: Mesh, around: Surroundings) -> Gateway:
    metrics = EdgeMetrics(around.registry)
    responder = Responder(around.node_id, metrics, around.doors)
    courses = Courses(
        mesh,
        responder,
        _cache("documents", around.cache.documents_bytes, around.clock, metrics),
        _cache("searches", around.cache.searches_bytes, around.clock, metrics),
        cache=around.cache,
        upstream=around.upstream,
    )
    operation = Operation(responder, around.node_id, around.checks, around.exposition)
    fixed = {path: responder.page(content) for path, content in contents(version(DISTRIBUTION)).items()}
    routes = [
        route(PREFIX + "{key:path}", courses.fetch, responder),
        route(SEARCH_PATH, courses.search, responder),
        route("/healthz", operation.healthz, responder),
        route("/readyz", operation.readyz, responder),
        route("/metrics", operation.metrics, responder),
        *(fixed_route(path, page, responder) for path, page in fixed.items()),
    ]
    front = Front(application(routes, responder), responder, fixed=fixed, fresh=courses.documents.fresh)
    return Gateway(front, courses, metrics)


def _cache(name: str, capacity_bytes: int, clock: Callable[[], float], metrics: EdgeMetrics) -> EdgeCache:
    cache = EdgeCache(capacity_bytes, clock=clock, on_eviction=metrics.evictions.labels(name).inc)
    metrics.cache_bytes.labels(name).set_function(lambda: cache.shelf.size_bytes)
    return cache
