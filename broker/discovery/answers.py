"""How a node answers DISCOVER: whom it tells at once, whom later, and when it tells everybody instead.

Every node of a mesh that starts or comes back asks all others. If each question got an answer of its own, a thousand
nodes would send a million INFO packets. So a few questions in a window are answered at once, which is all that a calm
mesh ever asks; those beyond are answered together when the window ends, by one packet for everybody where that moves
fewer packets. Nodes that were known to be there and ask again have lost this one: if several have, all have.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from random import Random

from broker.clock import Clock, sleep
from broker.tasks import Tasks
from broker.wire.packets import Discover

WINDOW_SECONDS = 1.0
JITTER = 0.5
"""Of the window: nodes that were all asked at the same moment do not all answer at the same moment."""
AT_ONCE_MAX = 8
"""A start waits 0.3 s for answers: in a window without a storm everybody who asks gets one in time."""
LOST_US_MIN = 3


class Answers:
    def __init__(
        self,
        clock: Clock,
        random: Random,
        tasks: Tasks,
        *,
        tell: Callable[[Discover], None],
        tell_everybody: Callable[[], None],
        audience: Callable[[], int],
    ) -> None:
        """`audience`: how many nodes hear what is told to everybody."""
        self._clock = clock
        self._random = random
        self._tasks = tasks
        self._tell = tell
        self._tell_everybody = tell_everybody
        self._audience = audience
        self._owed: dict[str, Discover] = {}
        self._at_once = self._lost_us = 0
        self._open = False

    def answer(self, question: Discover, *, known: bool) -> None:
        """`known`: this node sees the asker as available, so it was not told of the asker's start just now."""
        if not self._open:
            self._open = True
            self._tasks.spawn(self._close())
        self._lost_us += known
        if self._lost_us == LOST_US_MIN:
            self._tell_everybody()
        elif self._at_once < AT_ONCE_MAX:
            self._at_once += 1
            self._tell(question)
        else:
            self._owed[question.sender] = question

    def settle(self) -> None:
        """Everybody has just been told: whoever asked before that knows."""
        self._owed.clear()

    async def _close(self) -> None:
        await sleep(self._clock, WINDOW_SECONDS * self._random.uniform(1 - JITTER, 1))
        owed = list(self._owed.values())
        self._owed.clear()
        self._at_once = self._lost_us = 0
        self._open = False
        if is_for_everybody(owed, self._audience()):
            self._tell_everybody()
            return
        for question in owed:
            self._tell(question)


def is_for_everybody(owed: Collection[Discover], audience: int) -> bool:
    """One packet to the server and one from it to each node, or two for each question: whichever is less."""
    return 1 + audience < 2 * len(owed)
