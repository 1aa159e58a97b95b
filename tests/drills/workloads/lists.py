"""Clients read several lists and append to some, in one transaction; new lists replace those that got long."""

from __future__ import annotations

from itertools import count, product

import orjson
from sqlalchemy import Table

from tests.drills import tables
from tests.drills.checkers import lists as checker
from tests.drills.clients import Client, Told
from tests.drills.contracts import READ_LISTS, TRANSACT, Lists, Step, Steps
from tests.drills.history import Anomaly, Outcome
from tests.drills.workloads import Rows

AT_ONCE = 5
"""Lists that are being appended to."""
APPENDS = 300
"""Then others take their place: about sixty elements a list."""
STEPS_MAX = 4
READ_SHARE = 0.2
FIRST_GENERATIONS = 20
"""They are there from the beginning, for clients that create none; later lists are created by their first append."""


class ListAppend:
    def __init__(self, prefix: str, breadth: int = 1) -> None:
        self._prefix = prefix
        self._at_once = AT_ONCE * breadth
        self._appends = APPENDS * breadth
        self._elements = count(1)
        self._transactions = count(1)
        self.history: list[checker.Transaction] = []
        self._appended = 0

    def rows(self) -> dict[Table, list[dict[str, object]]]:
        names = [self._name(*which) for which in product(range(FIRST_GENERATIONS), range(self._at_once))]
        return {tables.lists: [{"name": name, "version": 0, "elements": "[]"} for name in names]}

    async def step(self, client: Client) -> None:
        reads_only = client.random.random() < READ_SHARE
        steps = [self._step(client, reads_only) for _ in range(client.random.randint(1, STEPS_MAX))]
        name = f"t{next(self._transactions)}"
        if all(step.element is None for step in steps):
            fresh = client.random.random() < 0.5
            told = await client.read(READ_LISTS, Steps(steps=steps), fresh=fresh)
        else:
            fresh = False
            told = await client.write(TRANSACT, Steps(steps=steps))
        operations = tuple(_operations(steps, told))
        self.history.append(checker.Transaction(name, operations, told.outcome, told.span, fresh))

    def _step(self, client: Client, reads_only: bool) -> Step:
        key = self._name(self._appended // self._appends, client.random.randrange(self._at_once))
        if reads_only or client.random.random() < 0.5:
            return Step(key=key)
        self._appended += 1
        return Step(key=key, element=next(self._elements))

    def _name(self, generation: int, number: int) -> str:
        return f"{self._prefix}-{generation}-{number}"

    def check(self, ask: Rows) -> list[Anomaly]:
        rows = ask(f"SELECT name, elements FROM localgroup.{tables.lists.name} WHERE name LIKE '{self._prefix}-%'")
        return checker.check(self.history, {name: tuple(orjson.loads(elements)) for name, elements in rows})


def _operations(steps: list[Step], told: Told[Lists]) -> list[checker.Operation]:
    """What was read is known of transactions that were acknowledged."""
    seen = iter(told.answer.lists if told.answer else ())
    known = told.outcome is Outcome.ACKNOWLEDGED
    found: list[checker.Operation] = []
    for step in steps:
        if step.element is not None:
            found.append(checker.Append(step.key, step.element))
        elif known:
            found.append(checker.Read(step.key, tuple(next(seen))))
    return found
