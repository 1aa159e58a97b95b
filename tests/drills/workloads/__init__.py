"""What clients do in a drill, each with the history that its checker judges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from sqlalchemy import Table

from tests.drills.clients import Client
from tests.drills.history import Anomaly

Rows: TypeAlias = Callable[[str], list[tuple[Any, ...]]]
"""What a member answers to a query, after all is over."""


class Workload(Protocol):
    """Shared by all its clients. `prefix` keeps the rows of two of them apart; `breadth` times as many rows are for so
    many more clients, so that they collide as often."""

    def __init__(self, prefix: str, breadth: int = 1) -> None: ...

    def rows(self) -> dict[Table, list[dict[str, object]]]:
        """What must be there before it begins."""
        ...

    async def step(self, client: Client) -> None: ...

    def check(self, ask: Rows) -> list[Anomaly]: ...
