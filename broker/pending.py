"""Calls that wait for their answers. Each ends exactly once: answered, past its deadline, or its node gone."""

from __future__ import annotations

import asyncio
from typing import TypeAlias

from broker.policies.timeouts import Slot, Timeouts
from broker.refusals import NotServed
from broker.wire.packets import Response
from schema.errors import MeshError, TimedOut, TooMany, Unavailable

Answer: TypeAlias = asyncio.Future[Response | None]
"""None: not yet, and it takes longer than this action usually does."""


def answered(response: Response | None) -> Response:
    assert response is not None, "an answer is said to be slow once, and to those who asked for it"
    return response


class CutOff(Unavailable):
    """The connection was lost while the answer was awaited: the work may have been done or not, and no node failed."""


class Silent(Unavailable):
    """The node answers nobody, so another may be asked although the time for this one is not over."""


class Waiting:
    """One request that was sent to one node."""

    __slots__ = ("_slot", "_timeouts", "answer", "call", "node", "until_seconds")

    def __init__(self, call: str, node: str, answer: Answer, until_seconds: float, timeouts: Timeouts) -> None:
        self.call = call
        self.node = node
        self.answer = answer
        self.until_seconds = until_seconds
        """When it has failed."""
        self._timeouts = timeouts
        self._slot: Slot = timeouts.add(until_seconds, self)

    async def last_answer(self) -> Response:
        """Once it is known to be slow, or where that does not matter."""
        return answered(await self.answer)

    def expire(self) -> None:
        self.fail(TimedOut(f"{self.node} did not answer in time"))

    def fail(self, error: MeshError) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)

    def forget(self) -> None:
        """Nobody asks for the answer any more, even if it comes, or is a failure."""
        self._slot.discard(self)
        if not self.answer.cancel() and not self.answer.cancelled():
            self.answer.exception()


class WaitingWarily(Waiting):
    """Says once that the answer is slow, before it gives up on it."""

    __slots__ = ("_warned",)

    def __init__(
        self, call: str, node: str, answer: Answer, slow_at_seconds: float, until_seconds: float, timeouts: Timeouts
    ) -> None:
        super().__init__(call, node, answer, min(slow_at_seconds, until_seconds), timeouts)
        self._warned = slow_at_seconds >= until_seconds
        self.until_seconds = until_seconds

    def expire(self) -> None:
        if self._warned or self.answer.done():
            super().expire()
            return
        self._warned = True
        slow, self.answer = self.answer, self.answer.get_loop().create_future()
        self._slot = self._timeouts.add(self.until_seconds, self)
        slow.set_result(None)


class Pending:
    def __init__(self, timeouts: Timeouts, capacity: int) -> None:
        self._timeouts = timeouts
        self._capacity = capacity
        self._waiting: dict[str, Waiting] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def full(self) -> bool:
        return len(self._waiting) >= self._capacity

    def open(self, call: str, node: str, until_seconds: float, slow_at_seconds: float | None = None) -> Waiting:
        """Its `answer` is None at `slow_at_seconds`, and there is a new `answer` to wait for then."""
        if len(self._waiting) >= self._capacity:
            raise TooMany("too many calls wait for answers")
        answer: Answer = asyncio.get_running_loop().create_future()
        if slow_at_seconds is None:
            waiting = Waiting(call, node, answer, until_seconds, self._timeouts)
        else:
            waiting = WaitingWarily(call, node, answer, slow_at_seconds, until_seconds, self._timeouts)
        self._waiting[call] = waiting
        return waiting

    def close(self, waiting: Waiting) -> None:
        del self._waiting[waiting.call]
        waiting.forget()

    def expects(self, response: Response) -> bool:
        waiting = self._waiting.get(response.id)
        return waiting is not None and waiting.node == response.sender

    def answer(self, response: Response) -> bool:
        """False if nobody waits for it any more."""
        waiting = self._waiting.get(response.id)
        if waiting is None or waiting.node != response.sender or waiting.answer.done():
            return False
        waiting.answer.set_result(response)
        return True

    def unheard(self, call: str) -> str | None:
        """The node that did not hear this request, if anybody still waits for it."""
        waiting = self._waiting.get(call)
        if waiting is None:
            return None
        waiting.fail(NotServed(f"{waiting.node} does not listen"))
        return waiting.node

    def fail_node(self, node: str) -> None:
        """Its work may have been done or not."""
        for waiting in self._waiting.values():
            if waiting.node == node:
                waiting.fail(Unavailable(f"{node} left before it answered"))

    def give_up(self, node: str) -> None:
        """On what that node was asked and another may be asked as well."""
        for waiting in self._waiting.values():
            if waiting.node == node and isinstance(waiting, WaitingWarily):
                waiting.fail(Silent(f"{node} answers nobody"))

    def fail_all(self, reason: str) -> None:
        for waiting in self._waiting.values():
            waiting.fail(CutOff(reason))
