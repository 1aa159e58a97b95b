"""What became of an attempt, as far as it says something of the node that was asked."""

from __future__ import annotations

from enum import Enum, auto

from broker.pending import CutOff, Silent
from broker.refusals import NotSent, NotServed
from schema.errors import Internal, MeshError, TimedOut, TooMany, Unavailable


class Outcome(Enum):
    ANSWERED = auto()
    """With a result, or with an error that was the request's fault: the node did its work."""
    REFUSED = auto()
    """It is full."""
    FAILED = auto()
    TIMED_OUT = auto()
    ABANDONED = auto()
    """Nobody waits for the answer any more: it takes that long at least, and that is all that is known."""


def outcome_of(error: MeshError) -> Outcome:
    """What was never sent, or lost with this node's own connection, says nothing of the other node."""
    if isinstance(error, (CutOff, NotSent, NotServed)):
        return Outcome.ABANDONED
    if isinstance(error, TooMany):
        return Outcome.REFUSED
    if isinstance(error, (TimedOut, Silent)):
        return Outcome.TIMED_OUT
    return Outcome.FAILED if isinstance(error, (Unavailable, Internal)) else Outcome.ANSWERED
