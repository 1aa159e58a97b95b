"""What a client listens to: kept by number, so that every new connection can be told all of it again."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Protocol

from broker.nats import lines as nats_lines
from broker.nats.faults import Faults
from schema.errors import TooMany

SUBSCRIPTIONS_MAX = 65_536


class Take(Protocol):
    """Takes a message; must not block. An absent reply subject or header is empty."""

    def __call__(self, subject: str, reply: str, header: bytes, payload: bytes, /) -> None: ...


@dataclass(frozen=True, slots=True)
class Subscription:
    sid: int
    take: Take
    line: bytes
    shared: bool
    """With the others of a queue group: each message comes to one of them."""


class Subscriptions:
    def __init__(self, faults: Faults) -> None:
        self._by_sid: dict[int, Subscription] = {}
        self._numbers = count(1)
        self._faults = faults

    def add(self, subject: str, queue: str, take: Take) -> Subscription:
        if len(self._by_sid) >= SUBSCRIPTIONS_MAX:
            raise TooMany(f"{SUBSCRIPTIONS_MAX} subscriptions")
        sid = next(self._numbers)
        line = nats_lines.subscribe(sid, subject, queue)
        subscription = self._by_sid[sid] = Subscription(sid, take, line, bool(queue))
        return subscription

    def remove(self, sid: int) -> None:
        self._by_sid.pop(sid, None)

    def arrived(self, sid: int, subject: str, reply: str, header: bytes, payload: bytes) -> None:
        """What comes for one that was just removed is dropped. Nobody's failure to take a message is anybody else's."""
        subscription = self._by_sid.get(sid)
        if subscription is None:
            return
        try:
            subscription.take(subject, reply, header, payload)
        except Exception as error:
            self._faults.receiver_failed(subject, error)

    def comes_twice(self, sid: int) -> bool:
        """Whether two connections of this client each get every message of it."""
        subscription = self._by_sid.get(sid)
        return subscription is not None and not subscription.shared

    def lines(self) -> bytes:
        return b"".join(subscription.line for subscription in self._by_sid.values())

    def lines_to_end(self) -> bytes:
        return b"".join(map(nats_lines.unsubscribe, self._by_sid))
