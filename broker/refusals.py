"""Errors of which the broker knows that the work was not begun, so that even a write may go to another node.

A handler that fails with one of these has itself begun: `as_failure` takes the knowledge away before the error
travels up the chain.
"""

from __future__ import annotations

from schema.errors import ERRORS, MeshError, TimedOut, TooMany, Unavailable


class NotServed(Unavailable):
    """The node does not serve this action, or no node does."""


class NodeFull(TooMany):
    """The node's queue is full."""


class NotSent(Unavailable):
    """The request never left: no connection to the mesh."""


class Late(TimedOut):
    """The deadline had passed before the work began."""


class RateLimited(TooMany):
    """The caller asks too often. Not one of those below: another node is not to be asked instead."""

    retryable = False


REFUSALS = (NotServed, NodeFull, NotSent, Late)


def is_refusal(error: MeshError) -> bool:
    return isinstance(error, REFUSALS)


def as_failure(error: MeshError) -> MeshError:
    return ERRORS[error.code](error.message, error.data)
