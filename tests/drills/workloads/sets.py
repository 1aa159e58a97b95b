"""Clients add elements to sets, some at once, all or none; after some requests to a new set, so that each is read whole
at little cost."""

from __future__ import annotations

from collections import defaultdict
from itertools import count

from sqlalchemy import Table

from tests.drills import tables
from tests.drills.checkers import sets as checker
from tests.drills.clients import Client
from tests.drills.contracts import INSERT, READ_ELEMENTS, Insert, Of
from tests.drills.history import Anomaly
from tests.drills.workloads import Rows

REQUESTS = 20
"""For one set."""
AT_ONCE_MAX = 40
READ_SHARE = 0.1


class Sets:
    def __init__(self, prefix: str, breadth: int = 1) -> None:
        """Of any breadth: elements do not collide."""
        self._prefix = prefix
        self._numbers = count()
        self._newest = f"{prefix}-0"
        self.adds: dict[str, list[checker.Add]] = defaultdict(list)
        self.readings: dict[str, list[checker.Reading]] = defaultdict(list)

    def rows(self) -> dict[Table, list[dict[str, object]]]:
        return {}

    async def step(self, client: Client) -> None:
        if client.random.random() < READ_SHARE:
            name, fresh = self._newest, client.random.random() < 0.5
            read = await client.read(READ_ELEMENTS, Of(name=name), fresh=fresh)
            if read.answer:
                self.readings[name].append(checker.Reading(frozenset(read.answer.elements), read.span, fresh))
            return
        number = next(self._numbers)
        self._newest = name = f"{self._prefix}-{number // REQUESTS}"
        elements = [f"e{number}-{place}" for place in range(client.random.randint(1, AT_ONCE_MAX))]
        done = await client.write(INSERT, Insert(name=name, elements=elements))
        self.adds[name].extend(checker.Add(element, done.outcome, done.span) for element in elements)

    def check(self, ask: Rows) -> list[Anomaly]:
        final: dict[str, list[str]] = defaultdict(list)
        for name, element in ask(f"SELECT name, element FROM localgroup.{tables.elements.name}"):
            if name.startswith(f"{self._prefix}-"):
                final[name].append(element)
        return [
            anomaly
            for name in {*self.adds, *final}
            for anomaly in checker.check(self.adds[name], self.readings[name], final[name])
        ]
