"""Calls that wait for their answers. Each ends exactly once: answered, past its deadline, or its node gone."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import NamedTuple

from broker.clock import Clock, Timer
from broker.deadline import Deadline
from broker.packets import Response
from broker.refusals import NotServed
from schema.errors import MeshError, TimedOut, TooMany, Unavailable


class _Waiting(NamedTuple):
    node: str
    answer: asyncio.Future[Response]
    timer: Timer


class Pending:
    def __init__(self, clock: Clock, capacity: int) -> None:
        self._clock = clock
        self._capacity = capacity
        self._waiting: dict[str, _Waiting] = {}
        self._in_flight: Counter[str] = Counter()

    def in_flight(self, node: str) -> int:
        return self._in_flight[node]

    def open(self, call: str, node: str, deadline: Deadline) -> asyncio.Future[Response]:
        if len(self._waiting) >= self._capacity:
            raise TooMany("too many calls wait for answers")
        answer = asyncio.get_running_loop().create_future()
        timer = self._clock.call_later(deadline.remaining_seconds(), lambda: self._expire(answer, node))
        self._waiting[call] = _Waiting(node, answer, timer)
        self._in_flight[node] += 1
        return answer

    def close(self, call: str) -> None:
        waiting = self._waiting.pop(call)
        waiting.timer.cancel()
        self._in_flight[waiting.node] -= 1
        if not self._in_flight[waiting.node]:
            del self._in_flight[waiting.node]

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
        _fail(waiting.answer, NotServed(f"{waiting.node} does not listen"))
        return waiting.node

    def fail_node(self, node: str) -> None:
        """Its work may have been done or not."""
        for waiting in self._waiting.values():
            if waiting.node == node:
                _fail(waiting.answer, Unavailable(f"{node} left before it answered"))

    def fail_all(self, reason: str) -> None:
        for waiting in self._waiting.values():
            _fail(waiting.answer, Unavailable(reason))

    @staticmethod
    def _expire(answer: asyncio.Future[Response], node: str) -> None:
        _fail(answer, TimedOut(f"{node} did not answer in time"))


def _fail(answer: asyncio.Future[Response], error: MeshError) -> None:
    if not answer.done():
        answer.set_exception(error)
