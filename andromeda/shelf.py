"""What the edge cache holds: pages by key, bounded in bytes, the least recently used leaving first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from andromeda.page import Page


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long after it was stored a page may be answered: at once, while a new one is fetched, if none can be."""

    fresh_seconds: float
    stale_while_revalidate_seconds: float = 0.0
    stale_if_error_seconds: float = 0.0


@dataclass(slots=True)
class Entry:
    """`doubted` once a change may have been missed: then it is only good for when nothing better can be had."""

    page: Page
    lifetime: Lifetime
    stored_at: float
    held_bytes: int
    doubted: bool = False

    def fresh(self, now: float) -> bool:
        return not self.doubted and now - self.stored_at < self.lifetime.fresh_seconds

    def good_while_revalidating(self, now: float) -> bool:
        lifetime = self.lifetime
        limit = lifetime.fresh_seconds + lifetime.stale_while_revalidate_seconds
        return not self.doubted and now - self.stored_at < limit

    def good_if_error(self, now: float) -> bool:
        return now - self.stored_at < self.lifetime.stale_if_error_seconds


class Shelf:
    """When it is full, pages are folded before any has to leave: a folded document takes a seventh of its size."""

    def __init__(self, capacity_bytes: int, on_eviction: Callable[[], None] = lambda: None) -> None:
        self.capacity_bytes = capacity_bytes
        self.size_bytes = 0
        self._on_eviction = on_eviction
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._foldable: OrderedDict[str, Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def get(self, key: str) -> Entry | None:
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
            if key in self._foldable:
                self._foldable.move_to_end(key)
        return entry

    def put(self, key: str, page: Page, lifetime: Lifetime, now: float) -> None:
        self.remove(key)
        entry = self._entries[key] = Entry(page, lifetime, now, held_bytes=0)
        page.grown = lambda: self._grown(key, entry)
        page.grown()

    def remove(self, key: str) -> None:
        self._foldable.pop(key, None)
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.size_bytes -= entry.held_bytes

    def clear(self) -> None:
        self._foldable.clear()
        self._entries.clear()
        self.size_bytes = 0

    def entries(self) -> Iterable[Entry]:
        return self._entries.values()

    def _grown(self, key: str, entry: Entry) -> None:
        """A page grows when a variant of it is made, perhaps after it has left."""
        if self._entries.get(key) is not entry:
            return
        self._weigh(entry)
        if entry.page.foldable:
            self._foldable[key] = entry
        self._make_room()

    def _weigh(self, entry: Entry) -> None:
        self.size_bytes += entry.page.size_bytes - entry.held_bytes
        entry.held_bytes = entry.page.size_bytes

    def _make_room(self) -> None:
        while self.size_bytes > self.capacity_bytes:
            if self._foldable:
                _, entry = self._foldable.popitem(last=False)
                entry.page.fold()
                self._weigh(entry)
            else:
                self.remove(next(iter(self._entries)))
                self._on_eviction()
