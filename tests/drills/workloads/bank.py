"""Clients move money between accounts that must never be overdrawn, and look at all of them at once."""

from __future__ import annotations

from sqlalchemy import Table

from tests.drills import tables
from tests.drills.checkers import bank as checker
from tests.drills.clients import Client
from tests.drills.contracts import READ_BALANCES, TRANSFER, Of, Transfer
from tests.drills.history import Anomaly
from tests.drills.workloads import Rows

ACCOUNTS = 6
BALANCE = 100
AMOUNT_MAX = 20
READ_SHARE = 0.2


class Bank:
    def __init__(self, prefix: str, breadth: int = 1) -> None:
        self.name = prefix
        self.initial = {f"{prefix}-{number}": BALANCE for number in range(ACCOUNTS * breadth)}
        self.transfers: list[checker.Transfer] = []
        self.seen: list[checker.Balances] = []

    def rows(self) -> dict[Table, list[dict[str, object]]]:
        listed = self.initial.items()
        return {tables.accounts: [{"name": name, "bank": self.name, "balance": balance} for name, balance in listed]}

    async def step(self, client: Client) -> None:
        if client.random.random() < READ_SHARE:
            read = await client.read(READ_BALANCES, Of(name=self.name), fresh=client.random.random() < 0.5)
            if read.answer:
                self.seen.append(read.answer.balances)
            return
        source, target = client.random.sample(sorted(self.initial), 2)
        amount = client.random.randint(1, AMOUNT_MAX)
        done = await client.write(TRANSFER, Transfer(source=source, target=target, amount=amount))
        self.transfers.append(checker.Transfer(source, target, amount, done.outcome))

    def check(self, ask: Rows) -> list[Anomaly]:
        rows = ask(f"SELECT name, balance FROM localgroup.{tables.accounts.name} WHERE bank = '{self.name}'")
        return checker.check(self.initial, self.transfers, self.seen, dict(rows))
