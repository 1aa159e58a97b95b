"""The same write, with the same key, a thousand times at once through all regions: one effect, and equal answers."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping

from sqlalchemy import Table

from schema.errors import MeshError
from tests.drills import tables
from tests.drills.contracts import ADD, Add, Value
from tests.drills.doors import Door
from tests.drills.history import Anomaly, Kind
from tests.drills.workloads import Rows

REPEATS = 1_000
NAME, KEY = "repeated", "the-same-key"
PATIENCE_SECONDS = 60.0
"""A thousand at once are more than three nodes take: those that are refused come again."""
PAUSE_SECONDS = 0.2


def rows() -> dict[Table, list[dict[str, object]]]:
    return {tables.counters: [{"name": NAME, "value": 0}]}


async def repeat(doors: Mapping[str, Door], ask: Rows) -> list[Anomaly]:
    places = list(doors.values())
    answers = await asyncio.gather(*(until_answered(places[number % len(places)]) for number in range(REPEATS)))
    ((effect,),) = ask(f"SELECT value FROM localgroup.{tables.counters.name} WHERE name = '{NAME}'")
    return judge(answers, int(effect))


async def until_answered(door: Door) -> Value | None:
    """None if patience ends first."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        try:
            return await door.ask(ADD, Add(counter=NAME, amount=1), key=KEY)
        except MeshError:
            await asyncio.sleep(PAUSE_SECONDS)
    return None


def judge(answers: list[Value | None], effect: int) -> list[Anomaly]:
    found = []
    if effect != 1:
        found.append(Anomaly(Kind.DOUBLED if effect else Kind.LOST, f"one key had {effect} effects"))
    said = Counter(None if answer is None else answer.value for answer in answers)
    if said != {1: len(answers)}:
        found.append(Anomaly(Kind.DIVERGED, f"one key was answered differently: {dict(said)}"))
    return found
