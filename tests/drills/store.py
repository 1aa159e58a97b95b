"""`db-drill`: the workloads' side of the data, written as every whirlpool service is, on the same transactions, keys
and ways to change a row. What a drill finds out about it, it finds out about them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import orjson
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from broker import Context, Encoded, Service, action
from schema.action import Nothing
from schema.errors import Invalid
from tests.drills import contracts as c
from tests.drills import tables
from whirlpool.idempotency import KeyedWrites
from whirlpool.isolation import add_to, update_seen
from whirlpool.reads import Reads

NO_LIST = "[]"
_CREATE_LIST = insert(tables.lists).prefix_with("IGNORE")


class DrillStore(Service):
    name: ClassVar[str] = c.SERVICE
    private = c.ACTIONS

    def __init__(self, reads: Reads, writes: KeyedWrites) -> None:
        self._reads = reads
        self._writes = writes

    @action(c.ADD)
    async def add(self, context: Context, request: c.Add) -> c.Value | Encoded:
        async def unit(connection: AsyncConnection) -> c.Value:
            key = {"name": request.counter}
            return c.Value(value=await add_to(connection, tables.counters, key, "value", request.amount))

        return await self._writes.run(context, c.ADD, request, unit)

    @action(c.READ_COUNTER)
    async def counter(self, context: Context, request: c.Of) -> c.Value:
        found = select(tables.counters.c.value).where(tables.counters.c.name == request.name)
        rows = await self._reads.run(context, lambda connection: connection.execute(found))
        return c.Value(value=rows.scalar_one())

    @action(c.TRANSFER)
    async def transfer(self, context: Context, request: c.Transfer) -> Nothing | Encoded:
        async def unit(connection: AsyncConnection) -> Nothing:
            changes = [(request.source, -request.amount), (request.target, request.amount)]
            for account, amount in sorted(changes):  # always in one order: nobody waits crosswise
                await add_to(connection, tables.accounts, {"name": account}, "balance", amount, at_least=0)
            return Nothing()

        return await self._writes.run(context, c.TRANSFER, request, unit)

    @action(c.READ_BALANCES)
    async def balances(self, context: Context, request: c.Of) -> c.Balances:
        table = tables.accounts
        found = select(table.c.name, table.c.balance).where(table.c.bank == request.name)
        rows = await self._reads.run(context, lambda connection: connection.execute(found))
        return c.Balances(balances={row.name: row.balance for row in rows})

    @action(c.SWAP)
    async def swap(self, context: Context, request: c.Swap) -> c.Register | Encoded:
        async def unit(connection: AsyncConnection) -> c.Register:
            key, values = {"name": request.key}, {"value": request.value}
            version = await update_seen(connection, tables.registers, key, request.expected, values)
            return c.Register(version=version, value=request.value)

        return await self._writes.run(context, c.SWAP, request, unit)

    @action(c.READ_REGISTER)
    async def register(self, context: Context, request: c.Of) -> c.Register:
        table = tables.registers
        found = select(table.c.version, table.c.value).where(table.c.name == request.name)
        row = (await self._reads.run(context, lambda connection: connection.execute(found))).one()
        return c.Register(version=row.version, value=row.value)

    @action(c.INSERT)
    async def insert(self, context: Context, request: c.Insert) -> Nothing | Encoded:
        async def unit(connection: AsyncConnection) -> Nothing:
            rows = [{"name": request.name, "element": element} for element in request.elements]
            await connection.execute(insert(tables.elements), rows)
            return Nothing()

        return await self._writes.run(context, c.INSERT, request, unit)

    @action(c.READ_ELEMENTS)
    async def elements(self, context: Context, request: c.Of) -> c.Elements:
        found = select(tables.elements.c.element).where(tables.elements.c.name == request.name)
        return c.Elements(elements=list(await self._reads.run(context, lambda connection: connection.scalars(found))))

    @action(c.TRANSACT)
    async def transact(self, context: Context, request: c.Steps) -> c.Lists | Encoded:
        return await self._writes.run(context, c.TRANSACT, request, lambda found: run_steps(found, request.steps))

    @action(c.READ_LISTS)
    async def lists(self, context: Context, request: c.Steps) -> c.Lists:
        if any(step.element is not None for step in request.steps):
            raise Invalid("a read appends nothing")
        return await self._reads.run(context, lambda connection: run_steps(connection, request.steps))


async def run_steps(connection: AsyncConnection, steps: Sequence[c.Step]) -> c.Lists:
    seen: list[list[int]] = []
    for step in steps:
        version, elements = await read_list(connection, step.key)
        if step.element is None:
            seen.append(elements)
        else:
            await append(connection, step.key, version, [*elements, step.element])
    return c.Lists(lists=seen)


async def read_list(connection: AsyncConnection, key: str) -> tuple[int | None, list[int]]:
    """Version None where there is none yet."""
    table = tables.lists
    found = await connection.execute(select(table.c.version, table.c.elements).where(table.c.name == key))
    row = found.one_or_none()
    return (row.version, orjson.loads(row.elements)) if row else (None, [])


async def append(connection: AsyncConnection, key: str, version: int | None, elements: list[int]) -> None:
    if version is None:
        await connection.execute(_CREATE_LIST, {"name": key, "version": 0, "elements": NO_LIST})
    values = {"elements": orjson.dumps(elements).decode()}
    await update_seen(connection, tables.lists, {"name": key}, version or 0, values)
