"""Two ways to the same data: through the mesh, as it is meant, and straight into the database, as it is not.

The second is the positive control. It does what a careless service would do, statement by statement: it reads,
computes, and writes back what it computed. If the checkers find nothing in that, they find nothing.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

import orjson
from pydantic import BaseModel
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from broker import Broker
from broker.policies.idempotency import KEY_HEADER
from schema.action import Action, Nothing
from schema.freshness import READ_YOUR_WRITES
from tests.drills import contracts as c
from tests.drills import tables
from tests.drills.store import read_list
from whirlpool.driver_errors import translated

Request = TypeVar("Request", bound=BaseModel)
Response = TypeVar("Response")

CALL_SECONDS = 5.0


class Door(Protocol):
    async def ask(
        self, action: Action[Request, Response], request: Request, *, fresh: bool = False, key: str | None = None
    ) -> Response:
        """Raises `MeshError`."""
        ...


class MeshDoor:
    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def ask(
        self, action: Action[Request, Response], request: Request, *, fresh: bool = False, key: str | None = None
    ) -> Response:
        headers = {**(READ_YOUR_WRITES if fresh else {}), **({KEY_HEADER: key} if key else {})}
        return await self._broker.call(action, request, headers=headers, deadline_seconds=CALL_SECONDS)


class CarelessDoor:
    """Each statement is a transaction of its own."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    async def ask(
        self, action: Action[Request, Response], request: Request, *, fresh: bool = False, key: str | None = None
    ) -> Response:
        with translated():
            async with self._engine.connect() as connection:
                answer: Any = await _answer(connection, action.name, request)
                return answer  # type: ignore[no-any-return]


async def _answer(connection: AsyncConnection, name: str, request: Any) -> BaseModel:
    match request:
        case c.Add():
            return await _add(connection, request)
        case c.Transfer():
            return await _transfer(connection, request)
        case c.Steps():
            return await _run_steps(connection, request)
        case c.Of() if name == c.READ_COUNTER.name:
            return c.Value(value=await _number(connection, tables.counters.c.value, request.name))
        case c.Of() if name == c.READ_BALANCES.name:
            table = tables.accounts
            rows = await connection.execute(select(table.c.name, table.c.balance).where(table.c.bank == request.name))
            return c.Balances(balances={row.name: row.balance for row in rows})
    raise ValueError(f"the raw door knows no {name}")


async def _add(connection: AsyncConnection, request: c.Add) -> c.Value:
    value = await _number(connection, tables.counters.c.value, request.counter) + request.amount
    await _overwrite(connection, tables.counters.c.value, request.counter, value)
    return c.Value(value=value)


async def _transfer(connection: AsyncConnection, request: c.Transfer) -> Nothing:
    for account, amount in ((request.source, -request.amount), (request.target, request.amount)):
        balance = await _number(connection, tables.accounts.c.balance, account)
        await _overwrite(connection, tables.accounts.c.balance, account, balance + amount)
    return Nothing()


async def _run_steps(connection: AsyncConnection, request: c.Steps) -> c.Lists:
    seen: list[list[int]] = []
    for step in request.steps:
        _, elements = await read_list(connection, step.key)
        if step.element is None:
            seen.append(elements)
        else:
            text = orjson.dumps([*elements, step.element]).decode()
            await _overwrite(connection, tables.lists.c.elements, step.key, text)
    return c.Lists(lists=seen)


async def _number(connection: AsyncConnection, column: Any, name: str) -> int:
    return int((await connection.execute(select(column).where(column.table.c.name == name))).scalar_one())


async def _overwrite(connection: AsyncConnection, column: Any, name: str, value: object) -> None:
    await connection.execute(update(column.table).where(column.table.c.name == name).values({column: value}))
