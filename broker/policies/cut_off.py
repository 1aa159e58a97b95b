"""Work is stopped when its deadline passes: a handler that hangs must not hold its place for longer.

As `asyncio.timeout`, but by the mesh's clock, and without a timer of its own for each request.
"""

from __future__ import annotations

import asyncio
from types import TracebackType

from broker.policies.deadline import Deadline
from broker.policies.timeouts import Slot, Timeouts
from schema.errors import TimedOut


class CutOff:
    """Used as `with CutOff(timeouts, deadline, "courses.term"):`. Raises `TimedOut` when the deadline passes in it."""

    __slots__ = ("_cancelling", "_name", "_passed", "_slot", "_task")

    def __init__(self, timeouts: Timeouts, deadline: Deadline, name: str) -> None:
        task = asyncio.current_task()
        assert task is not None, "work is done in tasks"
        self._task = task
        self._cancelling = task.cancelling()
        self._name = name
        self._passed = False
        self._slot: Slot = timeouts.add(deadline.at_seconds, self)

    def __enter__(self) -> None:
        """The time is running already."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._slot.discard(self)
        if not self._passed:
            return
        last = self._task.uncancel() <= self._cancelling
        if last and isinstance(error, asyncio.CancelledError):
            raise TimedOut(f"{self._name} did not finish in time") from error

    def expire(self) -> None:
        self._passed = True
        self._task.cancel()
