"""Packets of a stream in the order of their numbers, whatever the order they come in.

One sender's packets nearly always come in order; while a connection is exchanged for another, some may overtake. What
comes early is held back, within a bound; what comes twice is dropped.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from schema.errors import TooMany

HELD_MAX = 256
HELD_BYTES_MAX = 4 * 1024 * 1024

Item = TypeVar("Item")


class Ordering(Generic[Item]):
    def __init__(self) -> None:
        self._next = 0
        self._held: dict[int, tuple[Item, int]] = {}
        self._held_bytes = 0

    @property
    def incomplete(self) -> bool:
        """Something is held back for want of what comes before it."""
        return bool(self._held)

    def take(self, seq: int, item: Item, size_bytes: int) -> list[Item]:
        """What can be handed on now. Raises `TooMany` when too much would be held back."""
        if seq < self._next or seq in self._held:
            return []
        if seq > self._next:
            self._hold(seq, item, size_bytes)
            return []
        self._next += 1
        ready = [item]
        while self._next in self._held:
            item, size_bytes = self._held.pop(self._next)
            self._held_bytes -= size_bytes
            self._next += 1
            ready.append(item)
        return ready

    def _hold(self, seq: int, item: Item, size_bytes: int) -> None:
        if len(self._held) >= HELD_MAX or self._held_bytes + size_bytes > HELD_BYTES_MAX:
            raise TooMany("too much of a stream came before what it follows")
        self._held[seq] = item, size_bytes
        self._held_bytes += size_bytes
