"""Clients add to a few counters, and read them."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import Table

from tests.drills import tables
from tests.drills.checkers import counter as checker
from tests.drills.clients import Client
from tests.drills.contracts import ADD, READ_COUNTER, Add, Of
from tests.drills.history import Anomaly
from tests.drills.workloads import Rows

COUNTERS = 4
READ_SHARE = 0.2


class Counter:
    def __init__(self, prefix: str, breadth: int = 1) -> None:
        self.names = [f"{prefix}-{number}" for number in range(COUNTERS * breadth)]
        self.adds: dict[str, list[checker.Add]] = defaultdict(list)
        self.readings: dict[str, list[checker.Reading]] = defaultdict(list)

    def rows(self) -> dict[Table, list[dict[str, object]]]:
        return {tables.counters: [{"name": name, "value": 0} for name in self.names]}

    async def step(self, client: Client) -> None:
        name = client.random.choice(self.names)
        if client.random.random() < READ_SHARE:
            fresh = client.random.random() < 0.5
            read = await client.read(READ_COUNTER, Of(name=name), fresh=fresh)
            if read.answer:
                self.readings[name].append(checker.Reading(read.answer.value, read.span, fresh))
        else:
            done = await client.write(ADD, Add(counter=name, amount=1))
            self.adds[name].append(checker.Add(1, done.outcome, done.span))

    def check(self, ask: Rows) -> list[Anomaly]:
        final: dict[str, int] = dict(ask(f"SELECT name, value FROM localgroup.{tables.counters.name}"))
        return [
            anomaly
            for name in self.names
            for anomaly in checker.check(self.adds[name], self.readings[name], final[name])
        ]
