"""The composition root: the one place where whirlpool's parts meet.

The order is that of starting; parts stop in reverse, so the database is the last to be closed.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import SystemRandom

from broker import Broker
from broker.clock import SystemClock
from broker.exposition import Exposition
from broker.nats_client import NatsClient
from broker.process import Fail, Part
from whirlpool.config import WhirlpoolSettings
from whirlpool.courses import CourseStore
from whirlpool.engine import open_engine
from whirlpool.health import DatabaseHealth
from whirlpool.transactions import Database


def build(settings: WhirlpoolSettings, fail: Fail) -> Sequence[Part]:
    clock, random = SystemClock(), SystemRandom()
    database = Database(open_engine(settings.database_config()), clock, random)
    broker = Broker(settings.broker_config(), NatsClient(settings.nats_settings()), clock=clock, random=random)
    broker.on_fatal(fail)
    broker.add(CourseStore(database, clock))

    async def offer_or_withdraw(well: bool) -> None:
        await (broker.offer if well else broker.withdraw)(CourseStore.name)

    health = DatabaseHealth(database, clock, random, offer_or_withdraw)
    parts: list[Part] = [database, broker, health]
    if settings.metrics_address is not None:
        checks = {"mesh": lambda: None if broker.connected else "not connected", "database": health.reason}
        parts.append(Exposition(settings.metrics_address, broker.metrics, checks))
    return parts
