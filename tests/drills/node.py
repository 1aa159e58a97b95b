"""The process that serves `db-drill` in a region: built as whirlpool is, in the same order, with the same health."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from random import SystemRandom

from broker import Broker
from broker.clock import SystemClock
from broker.environment import read_environment
from broker.nats.client import NatsClient
from broker.observe.exposition import Exposition
from broker.process import Fail, Part, run
from tests.drills.contracts import ADD, SERVICE
from tests.drills.store import DrillStore
from whirlpool.canary import Canary
from whirlpool.config import WhirlpoolSettings
from whirlpool.engine import open_engine
from whirlpool.health import DatabaseHealth
from whirlpool.idempotency import KeyedWrites
from whirlpool.reads import Reads
from whirlpool.transactions import Database


def build(settings: WhirlpoolSettings, fail: Fail) -> Sequence[Part]:
    clock, random = SystemClock(), SystemRandom()
    database = Database(open_engine(settings.database_config()), clock, random)
    broker = Broker(settings.broker_config(), NatsClient(settings.nats_settings()), clock=clock, random=random)
    broker.on_fatal(fail)
    broker.add(DrillStore(Reads(database), KeyedWrites(database, clock)))

    async def offer_or_withdraw(well: bool) -> None:
        await (broker.offer if well else broker.withdraw)(SERVICE)

    def others_serve() -> bool:
        return any(not endpoint.local for endpoint in broker.registry.endpoints(ADD.name))

    canary = Canary(database, clock, random, broker.node_id)
    health = DatabaseHealth(database, clock, random, offer_or_withdraw, canary=canary, others=others_serve)
    parts: list[Part] = [database, broker, canary, health]
    if settings.metrics_address is not None:
        checks = {"mesh": lambda: None if broker.connected else "not connected", "database": health.reason}
        parts.append(Exposition(settings.metrics_address, broker.metrics, checks))
    return parts


def main() -> int:
    settings = read_environment(WhirlpoolSettings, os.environ)
    node = settings.broker_config().node
    return run(lambda fail: build(settings, fail), log_level=settings.log_level, node=node, region=settings.region)


if __name__ == "__main__":
    sys.exit(main())
