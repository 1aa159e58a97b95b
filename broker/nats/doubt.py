"""A connection that somebody doubts is asked at once whether it lives, and is given up if nothing at all comes in.

Regular pings find a frozen server within seconds, which is soon enough for a node that waits for requests. A node whose
own calls stay unanswered need not wait that long: a server that lives answers a ping before all else it has to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from broker.clock import Clock, Timer
from broker.refusals import NotSent

LOOK_SECONDS = 0.1
LOOKS = 5
"""So many in a row at which nothing had come in: more than a round trip around the earth, and several looks, because
what came in while this process itself stood still is read only after the first."""


class Doubt:
    def __init__(
        self, clock: Clock, *, ask: Callable[[], asyncio.Future[None]], on_silence: Callable[[], None]
    ) -> None:
        """`ask` pings the other end."""
        self.silent = False
        """To be set to False whenever anything comes in."""
        self._clock = clock
        self._ask = ask
        self._on_silence = on_silence
        self._answer: asyncio.Future[None] | None = None
        self._timer: Timer | None = None
        self._silent_looks = 0
        self._not_before_seconds = 0.0

    def begin(self) -> None:
        """One at a time, and not again at once: in a busy node somebody always waits for longer than usual."""
        now = self._clock.now()
        if self._answer is not None or now < self._not_before_seconds:
            return
        self._not_before_seconds = now + LOOK_SECONDS
        try:
            self._answer = self._ask()
        except NotSent:  # so many pings are unanswered that one more would tell nothing new
            return
        self._answer.add_done_callback(self._answered)
        self._look_later()

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _look_later(self) -> None:
        self.silent = True
        self._timer = self._clock.call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        self._silent_looks = self._silent_looks + 1 if self.silent else 0
        if self._silent_looks < LOOKS:
            self._look_later()
        else:
            self._on_silence()

    def _answered(self, answer: asyncio.Future[None]) -> None:
        """Or the connection is lost, which others notice by themselves."""
        self.end()
        self._answer, self._silent_looks = None, 0
        if not answer.cancelled():
            answer.exception()
