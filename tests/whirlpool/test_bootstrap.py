from __future__ import annotations

from typing import Never

from broker.environment import read_environment
from broker.observe.exposition import Exposition
from whirlpool.bootstrap import build
from whirlpool.config import WhirlpoolSettings


def no_failure(error: Exception) -> Never:
    raise error


async def test_whoever_asks_is_answered_before_hub_and_database_are_found() -> None:
    """A probe that finds nobody would end a process that only waits for its turn."""
    told = {
        "LOCALGROUP_REGION": "west",
        "LOCALGROUP_DATABASE_URL": "sqlite:////nowhere.db",
        "LOCALGROUP_METRICS_ADDRESS": "127.0.0.1:0",
    }
    assert isinstance(build(read_environment(WhirlpoolSettings, told), no_failure)[0], Exposition)
