"""A small domain of the tests' own, written as any domain of whirlpool is, and a mesh of regions that serve it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from broker import Broker, BrokerConfig, Context, Encoded, Service, action
from broker.clock import Clock
from broker.testing import MemoryNetwork
from schema.action import Action, Message
from tests.whirlpool.conftest import soon
from whirlpool.idempotency import KeyedWrites
from whirlpool.isolation import add_to, update_seen
from whirlpool.reads import Reads
from whirlpool.transactions import Database

ACCOUNTS = (1, 2)
QUEUE_CAPACITY = 1_000
accounts = Table(
    "trial_accounts",
    MetaData(),
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("owner", String(40), nullable=False),
    Column("balance", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    mysql_engine="InnoDB",
)


class OfAccount(Message):
    account: int


class Payment(OfAccount):
    amount: int


class Renaming(OfAccount):
    owner: str
    seen_version: int


class Balance(Message):
    balance: int


class Version(Message):
    version: int


READ = Action("ledger.read", OfAccount, Balance, safe=True)
PAY = Action("ledger.pay", Payment, Balance, safe=False, keyed=True)
RENAME = Action("ledger.rename", Renaming, Version, safe=False, keyed=True)


class Ledger(Service):
    name: ClassVar[str] = "ledger"

    def __init__(self, reads: Reads, writes: KeyedWrites) -> None:
        self._reads = reads
        self._writes = writes

    @action(READ)
    async def read(self, context: Context, request: OfAccount) -> Balance:
        return Balance(balance=await self._reads.run(context, lambda c: balance_of(c, request.account)))

    @action(PAY)
    async def pay(self, context: Context, request: Payment) -> Balance | Encoded:
        async def unit(connection: AsyncConnection) -> Balance:
            key = {"id": request.account}
            return Balance(balance=await add_to(connection, accounts, key, "balance", request.amount, at_least=0))

        return await self._writes.run(context, PAY, request, unit)

    @action(RENAME)
    async def rename(self, context: Context, request: Renaming) -> Version | Encoded:
        async def unit(connection: AsyncConnection) -> Version:
            key, values = {"id": request.account}, {"owner": request.owner}
            return Version(version=await update_seen(connection, accounts, key, request.seen_version, values))

        return await self._writes.run(context, RENAME, request, unit)


async def balance_of(connection: AsyncConnection, account: int) -> int:
    return int((await connection.scalars(select(accounts.c.balance).where(accounts.c.id == account))).one())


async def open_accounts(database: Database) -> None:
    """All of them, with nothing in them."""
    async with database.engine.begin() as connection:
        await connection.run_sync(accounts.drop, checkfirst=True)
        await connection.run_sync(accounts.create)
        rows = [{"id": number, "owner": "nobody", "balance": 0, "version": 1} for number in ACCOUNTS]
        await connection.execute(insert(accounts), rows)


async def balance(database: Database, account: int = 1) -> int:
    return await database.read(lambda connection: balance_of(connection, account), soon())


@dataclass
class Regions:
    client: Broker
    nodes: tuple[str, ...]
    databases: tuple[Database, ...]


@asynccontextmanager
async def ledgers(clock: Clock, *databases: Database) -> AsyncIterator[Regions]:
    """A whirlpool with a ledger on each database, each in a region of its own, and a client in the first region."""
    network, names = MemoryNetwork(), ("west", "central", "east")[: len(databases)]
    client = Broker(BrokerConfig(region="west", node="client-west-1"), network.transport())
    nodes = tuple(f"whirlpool-{region}-1" for region in names)
    async with AsyncExitStack() as stack:
        for region, node, database in zip(names, nodes, databases, strict=True):
            broker = Broker(BrokerConfig(region=region, node=node, queue_capacity=QUEUE_CAPACITY), network.transport())
            broker.add(Ledger(Reads(database), KeyedWrites(database, clock)))
            await stack.enter_async_context(broker)
        await stack.enter_async_context(client)
        await client.wait_for(Ledger.name, deadline_seconds=10)
        yield Regions(client, nodes, databases)
