"""The composition root: the one place where whirlpool's parts meet.

The order is that of starting: who asks for its health is answered before its hub or its database is found. Parts stop
in reverse, so the database is closed after all who use it.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import SystemRandom

from broker import Broker
from broker.clock import SystemClock
from broker.nats.client import NatsClient
from broker.observe.exposition import Exposition
from broker.process import Fail, Part
from schema.courses import READ_VERSIONS
from whirlpool.canary import Canary
from whirlpool.config import WhirlpoolSettings
from whirlpool.courses import CourseStore
from whirlpool.engine import open_engine
from whirlpool.health import DatabaseHealth
from whirlpool.idempotency import KeyedWrites
from whirlpool.jobs import JobStore
from whirlpool.outbox import OutboxStore
from whirlpool.reads import Reads, StaleReads, stale_twin
from whirlpool.transactions import Database


def build(settings: WhirlpoolSettings, fail: Fail) -> Sequence[Part]:
    clock, random = SystemClock(), SystemRandom()
    database = Database(open_engine(settings.database_config()), clock, random)
    broker = Broker(
        settings.broker_config(),
        NatsClient(settings.nats_settings()),
        clock=clock,
        random=random,
        middlewares=settings.middlewares(clock),
    )
    broker.on_fatal(fail)
    broker.add(CourseStore(Reads(database), KeyedWrites(database, clock), clock))
    broker.add(stale_twin(CourseStore(StaleReads(database, clock), KeyedWrites(database, clock), clock)))

    broker.add(JobStore(database, clock))
    broker.add(OutboxStore(database, clock))

    async def offer_or_withdraw(well: bool) -> None:
        for name in (CourseStore.name, JobStore.name, OutboxStore.name):
            await (broker.offer if well else broker.withdraw)(name)

    def others_serve() -> bool:
        return any(not endpoint.local for endpoint in broker.registry.endpoints(READ_VERSIONS.name))

    canary = Canary(database, clock, random, broker.node_id)
    health = DatabaseHealth(database, clock, random, offer_or_withdraw, canary=canary, others=others_serve)
    parts: list[Part] = [database, broker, canary, health]
    if settings.metrics_address is not None:
        checks = {"mesh": lambda: None if broker.connected else "not connected", "database": health.reason}
        parts.insert(0, Exposition(settings.metrics_address, broker.metrics, checks))
    return parts
