"""Where a messier is put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import SystemRandom

from broker import Broker
from broker.cache.caching import Cache, CacheMetrics
from broker.clock import Clock, SystemClock
from broker.nats.client import NatsClient
from broker.observe.exposition import Check, Exposition
from broker.process import Fail, Part
from messier.config import DOCUMENT_SECONDS, DOCUMENTS_BYTES, SEARCH_SECONDS, SEARCHES_BYTES, MessierSettings
from messier.courses import Courses
from messier.document_reader import DocumentReader
from messier.fresh_reads import FreshReads
from messier.jobs import Jobs
from messier.newest_versions import NewestVersions
from messier.upkeep import upkeep
from schema.courses import READ_TERMS


def build(settings: MessierSettings, fail: Fail) -> Sequence[Part]:
    clock = SystemClock()
    broker = Broker(
        settings.broker_config(),
        NatsClient(settings.nats_settings()),
        clock=clock,
        middlewares=settings.middlewares(clock),
    )
    broker.on_fatal(fail)
    attach(broker, clock, document_cache_bytes=settings.document_cache_bytes)
    parts: list[Part] = [broker, Jobs(broker, clock, SystemRandom(), upkeep(broker))]
    if settings.metrics_address is not None:
        parts.insert(0, Exposition(settings.metrics_address, broker.metrics, checks(broker)))
    return parts


def attach(broker: Broker, clock: Clock, *, document_cache_bytes: int = DOCUMENTS_BYTES) -> None:
    """The services of this tier on a broker that has not started yet."""
    metrics = CacheMetrics(broker.metrics.registry)
    documents = Cache(
        "documents", capacity_bytes=document_cache_bytes, ttl_seconds=DOCUMENT_SECONDS, metrics=metrics, clock=clock
    )
    searches = Cache(
        "searches", capacity_bytes=SEARCHES_BYTES, ttl_seconds=SEARCH_SECONDS, metrics=metrics, clock=clock
    )
    versions = NewestVersions(clock)
    courses = Courses(broker, DocumentReader(broker, documents, versions, FreshReads(versions, clock)), searches)
    broker.add(courses)
    broker.on_reconnect(courses.forget_all)


def checks(broker: Broker) -> Mapping[str, Check]:
    """Whether this node can answer now."""

    def mesh() -> str | None:
        return None if broker.connected else "not connected to the mesh"

    def rows() -> str | None:
        return None if broker.available(READ_TERMS.name) else f"nobody answers {READ_TERMS.name}"

    return {"mesh": mesh, "rows": rows}
