"""Reads as a service makes them: as fresh as its caller asks, or old ones, labelled.

`StaleReads` never refuses because the cluster is lost: it answers from whatever this member has, and says how old that
may be. `stale_twin` offers a service's reads a second time on top of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from broker import Context, Service, action
from broker.clock import Clock
from broker.service import BoundAction, bound_actions
from schema.freshness import STALE, STALE_SECONDS, stale
from whirlpool.canary import age_seconds
from whirlpool.freshness import Freshness, asked_for
from whirlpool.transactions import Database, Unit

Result = TypeVar("Result")


class Reads:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self, context: Context, unit: Unit[Result]) -> Result:
        return await self._database.read(unit, context.deadline, asked_for(context.headers))


class StaleReads(Reads):
    def __init__(self, database: Database, clock: Clock) -> None:
        super().__init__(database)
        self._clock = clock

    async def run(self, context: Context, unit: Unit[Result]) -> Result:
        """The age and what is read are of one snapshot."""

        async def aged(connection: AsyncConnection) -> tuple[float | None, Result]:
            return await age_seconds(connection, self._clock), await unit(connection)

        seconds, result = await self._database.read(aged, context.deadline, Freshness.STALE)
        context.meta[STALE_SECONDS] = seconds
        return result


def stale_twin(service: Service) -> Service:
    """The safe actions of a service that reads by `StaleReads`, as `stale.<service>.<verb>`. For the mesh's own nodes:
    nobody else knows what to make of the label."""
    offered = [bound for bound in bound_actions(service) if bound.contract.safe]
    parts: dict[str, Any] = {f"answer_{number}": _method(bound) for number, bound in enumerate(offered)}
    parts |= {"name": service.name, "version": STALE, "private": tuple(stale(bound.contract) for bound in offered)}
    twin = type(f"Stale{type(service).__name__}", (Service,), parts)
    found: Service = twin()
    return found


def _method(bound: BoundAction) -> Callable[..., Awaitable[Any]]:
    async def answer(self: Service, context: Context, request: Any) -> Any:
        return await bound.handle(context, request)

    return action(stale(bound.contract))(answer)
