"""The jobs that keep the data in order."""

from __future__ import annotations

from collections.abc import Sequence

from broker import Broker
from messier.jobs import Job, Turn
from schema.jobs import FORGET_ANSWERS

FORGET_EVERY_SECONDS = 600
"""Answers are kept for a day; ten minutes more make no difference, and leave small amounts to forget."""
STEP_SECONDS = 10.0


def upkeep(broker: Broker) -> Sequence[Job]:
    async def forget_answers(turn: Turn) -> None:
        while (await broker.call(FORGET_ANSWERS, turn.lease, deadline_seconds=STEP_SECONDS)).answers:
            pass

    return [Job("forget-answers", FORGET_EVERY_SECONDS, forget_answers)]
