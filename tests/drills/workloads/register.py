"""Clients read a register and replace what they have read, if it is still there."""

from __future__ import annotations

from itertools import count

from sqlalchemy import Table

from tests.drills import tables
from tests.drills.checkers import register as checker
from tests.drills.clients import Client
from tests.drills.contracts import READ_REGISTER, SWAP, Of, Swap
from tests.drills.history import Anomaly, Span
from tests.drills.workloads import Rows

REGISTERS = 4
FOREVER = Span(float("inf"), float("inf"))


class Register:
    def __init__(self, prefix: str, breadth: int = 1) -> None:
        self.names = [f"{prefix}-{number}" for number in range(REGISTERS * breadth)]
        self.swaps: list[checker.Swap] = []
        self.readings: list[checker.Reading] = []
        self._values = count(1)

    def rows(self) -> dict[Table, list[dict[str, object]]]:
        return {tables.registers: [{"name": name, "version": 0, "value": ""} for name in self.names]}

    async def step(self, client: Client) -> None:
        name = client.random.choice(self.names)
        fresh = client.random.random() < 0.5
        read = await client.read(READ_REGISTER, Of(name=name), fresh=fresh)
        if read.answer is None:
            return
        version = read.answer.version
        self.readings.append(checker.Reading(name, version, read.answer.value, read.span, fresh))
        value = f"v{next(self._values)}"
        done = await client.write(SWAP, Swap(key=name, expected=version, value=value))
        self.swaps.append(checker.Swap(name, version, value, done.outcome, done.span))

    def check(self, ask: Rows) -> list[Anomaly]:
        rows = ask(f"SELECT name, version, value FROM localgroup.{tables.registers.name}")
        final = [checker.Reading(name, version, value, FOREVER) for name, version, value in rows if name in self.names]
        return checker.check(self.swaps, self.readings, final)
