"""Asking a node for its INFO: not each time it is heard, and not all at the same moment.

Whatever shows one node that it has missed an INFO, a heartbeat for instance, shows it to all of them. They ask after a
random pause that grows with the mesh, and the answer to the first of them, which goes to everybody, spares the rest.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from random import Random

from broker.clock import Clock, sleep
from broker.tasks import Tasks

SPREAD_SECONDS_PER_NODE = 0.001
"""At most about one question a millisecond reaches the node that everybody asks."""
SPREAD_SECONDS_MAX = 2.0
ASK_AGAIN_SECONDS = 1.0
"""A node that does not answer is asked again after this, not at each of its heartbeats' copies."""
ASKED_MAX = 4_096
"""Names are a stranger's text: beyond so many open questions the next heartbeat has to ask."""


class Questions:
    def __init__(
        self,
        clock: Clock,
        random: Random,
        tasks: Tasks,
        *,
        ask: Callable[[str], Awaitable[None]],
        audience: Callable[[], int],
    ) -> None:
        self._clock = clock
        self._random = random
        self._tasks = tasks
        self._ask = ask
        self._audience = audience
        self._open: dict[str, object] = {}

    def wonder(self, node: str) -> None:
        """Ask it soon, unless that is under way."""
        if node in self._open or len(self._open) >= ASKED_MAX:
            return
        mark = self._open[node] = object()
        self._tasks.spawn(self._pursue(node, mark))

    def answered(self, node: str) -> None:
        self._open.pop(node, None)

    async def _pursue(self, node: str, mark: object) -> None:
        """`mark` is gone, or another's, once the question was answered."""
        spread_seconds = min(SPREAD_SECONDS_MAX, self._audience() * SPREAD_SECONDS_PER_NODE)
        try:
            await sleep(self._clock, self._random.uniform(0, spread_seconds))
            if self._open.get(node) is mark:
                await self._ask(node)
                await sleep(self._clock, ASK_AGAIN_SECONDS)
        finally:
            if self._open.get(node) is mark:
                del self._open[node]
