"""The page about whirlpool does what it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from broker import Broker, BrokerConfig
from broker.testing import MemoryNetwork
from schema.errors import Conflict
from whirlpool.transactions import Database

REPOSITORY = Path(__file__).parents[2]
GUIDE = (REPOSITORY / "docs" / "whirlpool.md").read_text(encoding="utf-8")


async def test_the_example_keeps_its_promises(database: Database) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    names: dict[str, Any] = {"__name__": "guide"}
    exec(compile(example, "docs/whirlpool.md", "exec", dont_inherit=True), names)
    async with database.engine.begin() as connection:
        await connection.run_sync(names["rooms"].create)
    network = MemoryNetwork()
    data = Broker(BrokerConfig(region="west", node="whirlpool-west-1"), network.transport())
    data.add(names["store"](database))
    client = Broker(BrokerConfig(region="west", node="client-west-1"), network.transport())
    try:
        async with data, client:
            await client.wait_for("db-rooms", deadline_seconds=10)
            await use(client, names)
    finally:
        async with database.engine.begin() as connection:
            await connection.run_sync(names["rooms"].drop)


async def use(client: Broker, names: dict[str, Any]) -> None:
    room = {"code": "A1", "name": "Hall", "seats": 1, "version": 1}
    assert await client.call("db-rooms.add", room) == {"seats": 1}
    renamed = await client.call("db-rooms.rename", {"code": "A1", "name": "Great Hall", "seen_version": 1})
    assert renamed == room | {"name": "Great Hall", "version": 2}
    with pytest.raises(Conflict):
        await client.call("db-rooms.rename", {"code": "A1", "name": "Small Hall", "seen_version": 1})
    key = {"idempotencyKey": "mine"}
    for _ in range(2):
        assert await client.call("db-rooms.book", {"code": "A1"}, headers=key) == {"seats": 0}
    with pytest.raises(Conflict):
        await client.call("db-rooms.book", {"code": "A1"})
    assert await client.call("db-rooms.read", {"code": "A1"}) == renamed | {"seats": 0}


def test_every_file_that_it_points_to_is_there() -> None:
    links = re.findall(r"\]\(\.\./([^)]+)\)", GUIDE)
    assert links
    assert [link for link in links if not (REPOSITORY / link).exists()] == []
