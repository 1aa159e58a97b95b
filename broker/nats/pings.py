"""Whether the other end still answers: pings, in the order of their answers, for those who wait and for nobody.

A peer that was stopped or cut off closes nothing; only its silence tells.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from broker.clock import Clock, Timer
from broker.refusals import NotSent

UNANSWERED_MAX = 2
OUTSTANDING_MAX = 1024


class Pings:
    def __init__(
        self,
        clock: Clock,
        *,
        every_seconds: float,
        patience_seconds: float,
        send: Callable[[], None],
        on_silence: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._every_seconds = every_seconds
        self._patience_seconds = patience_seconds
        self._send = send
        self._on_silence = on_silence
        self._outstanding: deque[asyncio.Future[None] | None] = deque()
        self._unanswered = 0
        self._timer: Timer | None = None

    def begin(self) -> None:
        """Ping regularly, until the end."""
        self._timer = self._clock.call_later(self._every_seconds, self._tick)

    def ask(self) -> asyncio.Future[None]:
        """Done when everything sent before has been read by the other end. Raises `NotSent`."""
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ping(answer)
        return answer

    def answered(self) -> None:
        self._unanswered = 0
        if self._outstanding and (answer := self._outstanding.popleft()) is not None and not answer.done():
            answer.set_result(None)

    def end(self, reason: str) -> None:
        if self._timer is not None:
            self._timer.cancel()
        while self._outstanding:
            if (answer := self._outstanding.popleft()) is not None and not answer.done():
                answer.set_exception(NotSent(reason))

    def _ping(self, answer: asyncio.Future[None] | None) -> None:
        if len(self._outstanding) >= OUTSTANDING_MAX:
            raise NotSent("too many wait for the server's answer")
        self._outstanding.append(answer)
        self._send()

    def _tick(self) -> None:
        self._unanswered += 1
        if len(self._outstanding) < OUTSTANDING_MAX:
            self._ping(None)
        if self._unanswered < UNANSWERED_MAX:
            self._timer = self._clock.call_later(self._every_seconds, self._tick)
        else:
            self._timer = self._clock.call_later(self._patience_seconds, self._judge)

    def _judge(self) -> None:
        if self._unanswered >= UNANSWERED_MAX:
            self._on_silence()
        else:
            self._timer = self._clock.call_later(self._every_seconds, self._tick)
