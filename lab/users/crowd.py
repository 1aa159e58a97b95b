"""Many users at once, at an even rate, whether or not answers come: who waits for answers measures his own patience."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, cycle

from lab.users.connection import Answer, Failed
from lab.users.plan import NUMBER, Group
from lab.users.record import OK, STALE, Record, Try
from lab.users.user import User

TURN_SECONDS = 0.004
AT_ONCE_MAX = 500
"""Of one group: beyond that, requests that are due are not made, and counted as such."""
LATE_SECONDS_MAX = 0.5
"""Users who were held up longer than that, by a machine that is busy with other things, do not all come at once then:
what they missed is not made up for."""
NOT_MADE = "not_made"

Sink = Callable[[Record], None]


@dataclass
class Crowd:
    """One group's users. `name` is the host that they ask for."""

    group: Group
    name: str
    users: Sequence[User]
    sink: Sink
    clock: Callable[[], float]
    run: str
    """Begins the keys of its writes: no two runs share one."""

    async def go_on(self, over: asyncio.Event) -> None:
        """Returns when the last answer has come."""
        asked: set[asyncio.Task[None]] = set()
        users, requests = cycle(self.users), self._requests()
        begun, number = self.clock(), 0
        at_once_due = max(1, int(LATE_SECONDS_MAX * self.group.per_second))
        async with asyncio.TaskGroup() as making:  # what is no outcome of a request ends the crowd
            while not over.is_set():
                due = int((self.clock() - begun) * self.group.per_second)
                number = max(number, due - at_once_due)
                while number < due:
                    number += 1
                    key, request = next(requests)
                    if len(asked) >= AT_ONCE_MAX:
                        self._note(self.clock(), NOT_MADE, (), key)
                        continue
                    task = making.create_task(self._ask(next(users), key, request))
                    asked.add(task)
                    task.add_done_callback(asked.discard)
                await asyncio.sleep(TURN_SECONDS)
        for user in self.users:
            user.close()

    async def _ask(self, user: User, key: str, request: bytes) -> None:
        begun, tries = self.clock(), list[Try]()
        try:
            outcome = said(await user.ask(request, tries))
        except Failed as failed:
            outcome = failed.outcome
        self._note(begun, outcome, tries, key)

    def _note(self, begun: float, outcome: str, tries: Iterable[Try], key: str) -> None:
        group = self.group
        self.sink(Record(group.name, group.kind, group.write, begun, self.clock(), outcome, tuple(tries), key))

    def _requests(self) -> Iterator[tuple[str, bytes]]:
        paths = cycle(self.group.paths)
        for number in count():
            key = f"{self.run}-{self.group.name}-{number}" if self.group.write else ""
            path = next(paths).replace(NUMBER, str(number))
            yield key, written(self.name, self.group.port, path, key)


def said(answer: Answer) -> str:
    if answer.status in (200, 304):
        return STALE if answer.stale else OK
    return f"status_{answer.status}"


def written(name: str, port: int, path: str, key: str) -> bytes:
    method, extra = ("POST", f"idempotency-key: {key}\r\ncontent-length: 0\r\n") if key else ("GET", "")
    return f"{method} {path} HTTP/1.1\r\nhost: {name}:{port}\r\n{extra}\r\n".encode()
