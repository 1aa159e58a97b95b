"""Who begins the cluster again when nobody has a quorum, decided by the members' watches among themselves.

Members that were all killed find each other by themselves only if each remembers the same last view (`pc.recovery`);
one that was joining, or saw another die before itself, remembers a different one, and all wait for ever. So a watch
beside each member asks the others once a second, and when all are in reach and none has a quorum:

1. Each **stands still**: stops its member, forgets its last view, and finds out how far its data came.
2. When all stand still, the one that came furthest **begins**; of equals the first by name.
3. The others **join** it once it serves.

Never are two clusters begun. A member that stands still does not run, and one that forgot its view can only join: so
while one begins, no other has a quorum or can get one. What a member that stands still has does not change, so
whoever compares the same positions chooses the same one. If anybody is out of reach, nobody begins: the missing one
may serve, or may have come furthest. Then a person decides (`make promote`).

A member may also leave a cluster that goes on: it found that its rows differ, or its connections broke in a way that
it does not mend. It says so and runs on, alone. While others serve it is **restarted**, and joins them again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from lab.recovery import NOTHING, Position, most_advanced

QUIET_SECONDS = 10.0
"""Members that were only cut off from each other, and those that remember the same view, reunite within this by
themselves. Much longer than a round of questions, so that no round mixes answers from before and after a change."""
LEFT_SECONDS = 10.0
"""Much longer than a member is between clusters on its way from one to the next."""
STILL_SECONDS_MAX = 60.0
"""Then something went wrong, and members that run are better than members that wait."""


class State(StrEnum):
    SERVING = "serving"
    """With a quorum."""
    APART = "apart"
    """It runs, or is being started, and has none."""
    STILL = "still"
    """Stopped by its watch, its position known."""
    DOWN = "down"
    """Stopped by somebody else, whose business it is."""


class Step(StrEnum):
    WAIT = "wait"
    STAND_STILL = "stand still"
    BEGIN = "begin"
    JOIN = "join"
    RESTART = "restart"


@dataclass(frozen=True, slots=True)
class Said:
    """What a watch says of its member. The position is known of one that stands still."""

    state: State
    position: Position = NOTHING


Heard: TypeAlias = Mapping[str, Said | None]
"""By member, one's own among them; None of a watch that did not answer."""


def quiet(heard: Heard) -> bool:
    """All are in reach, none serves, and none is somebody else's business."""
    return all(said is not None and said.state in (State.APART, State.STILL) for said in heard.values())


def somebody_serves(heard: Heard) -> bool:
    return any(said and said.state is State.SERVING for said in heard.values())


def next_step(
    me: str, heard: Heard, *, quiet_seconds: float = 0.0, still_seconds: float = 0.0, left_seconds: float = 0.0
) -> Step:
    """`quiet_seconds`: for how long it has been quiet without interruption; `still_seconds`: since this member stands
    still; `left_seconds`: since it says that it left. Raises `DifferentHistories` if no choice is right."""
    mine = heard[me]
    if mine is None:
        raise ValueError(f"{me} is to know what it says itself")
    if mine.state is State.APART and quiet(heard) and quiet_seconds >= QUIET_SECONDS:
        return Step.STAND_STILL
    if mine.state is State.APART and left_seconds >= LEFT_SECONDS and somebody_serves(heard):
        return Step.RESTART
    return _while_still(me, heard, still_seconds) if mine.state is State.STILL else Step.WAIT


def _while_still(me: str, heard: Heard, still_seconds: float) -> Step:
    if still_seconds >= STILL_SECONDS_MAX or somebody_serves(heard):
        return Step.JOIN
    still = {name: said.position for name, said in sorted(heard.items()) if said and said.state is State.STILL}
    return Step.BEGIN if len(still) == len(heard) and most_advanced(still) == me else Step.WAIT
