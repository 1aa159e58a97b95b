"""Each message once, while two connections carry the same subscriptions.

A client moves to another server by listening on both for a while, because a message may be on its way to either. What
has come by one of them is remembered until its twin comes by the other.
"""

from __future__ import annotations

from collections.abc import Callable

from broker.nats.parser import Arrived

REMEMBERED_MAX = 65_536
"""More than comes in during an overlap; beyond it the oldest are forgotten."""


class Twins:
    def __init__(self, arrived: Arrived, comes_twice: Callable[[int], bool]) -> None:
        self._arrived = arrived
        self._comes_twice = comes_twice
        self._surplus: dict[int, int] = {}
        """By fingerprint: how many more of these came by one connection (positive) than by the other (negative)."""

    def by_one(self, sid: int, subject: str, reply: str, header: bytes, payload: bytes) -> None:
        if self._is_first(1, sid, subject, reply, header, payload):
            self._arrived(sid, subject, reply, header, payload)

    def by_other(self, sid: int, subject: str, reply: str, header: bytes, payload: bytes) -> None:
        if self._is_first(-1, sid, subject, reply, header, payload):
            self._arrived(sid, subject, reply, header, payload)

    def _is_first(self, side: int, sid: int, *message: str | bytes) -> bool:
        if not self._comes_twice(sid):
            return True
        fingerprint = hash((sid, *message))
        surplus = self._surplus.pop(fingerprint, 0)
        if surplus + side:
            self._surplus[fingerprint] = surplus + side
        if len(self._surplus) > REMEMBERED_MAX:
            del self._surplus[next(iter(self._surplus))]
        return surplus * side >= 0
