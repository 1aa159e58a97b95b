"""Asks of a foreign node, so that tests read in one direction."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from broker import Broker
from tests.waiting import DEADLINE_SECONDS, POLL_SECONDS


async def until(ask: Callable[[], Awaitable[Any]]) -> Any:
    """The first answer that is true."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not (answer := await ask()):  # noqa: ASYNC110 (nobody tells)
            await asyncio.sleep(POLL_SECONDS)
        return answer


async def by_theirs(ours: Broker, action: str, params: Any, verb: str = "begin", **options: Any) -> Any:
    """What a foreign node gets when it calls this action: `data` and `meta`, or `error`. `options` are Moleculer's."""
    return await ours.call(f"foreign.{verb}", {"action": action, "params": params, "options": options})


async def heard_by_theirs(ours: Broker, marker: str) -> list[dict[str, Any]]:
    """The events about `marker` that the foreign groups heard."""
    heard = await ours.call("listeners.heard", {})
    return [event for event in heard if event["data"] == {"name": marker}]
