"""aiocache's memory cache with the two things it lacks: a bound in bytes and a clock that can be given.

The least recently used entries go first. An expired entry is dropped when it is asked for; until then the bound
holds for it as for any other.
"""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

from aiocache import SimpleMemoryCache
from aiocache.serializers import BaseSerializer

from broker.clock import Clock, SystemClock

ENTRY_OVERHEAD_BYTES = 256
"""What the two dictionaries and the objects' headers take for one entry, measured and rounded up."""

COMPRESSION_LEVEL = 1
"""A catalogue shrinks to a fifth at level 1; level 6 saves another tenth for three times the time."""
COMPRESSION_THRESHOLD_BYTES = 2048
"""Below it the saving is less than an entry's own overhead."""

PLAIN, COMPRESSED = b"p", b"z"


class CompressingSerializer(BaseSerializer):  # type: ignore[misc]  # aiocache has no types
    """Bytes to bytes; the first one says whether the rest is compressed."""

    DEFAULT_ENCODING = None

    def dumps(self, value: bytes) -> bytes:
        if len(value) < COMPRESSION_THRESHOLD_BYTES:
            return PLAIN + value
        return COMPRESSED + zlib.compress(value, COMPRESSION_LEVEL)

    def loads(self, value: bytes | None) -> bytes | None:
        if value is None:
            return None
        return zlib.decompress(memoryview(value)[1:]) if value[:1] == COMPRESSED else value[1:]


class BoundedMemoryCache(SimpleMemoryCache):  # type: ignore[misc]  # aiocache has no types
    """Holds bytes. None of its operations suspends, so each of them is atomic."""

    NAME = "bounded-memory"

    def __init__(
        self,
        *,
        capacity_bytes: int,
        clock: Clock | None = None,
        on_eviction: Callable[[], None] = lambda: None,
        serializer: BaseSerializer | None = None,
    ) -> None:
        super().__init__(serializer=serializer or CompressingSerializer(), timeout=None)
        self.capacity_bytes = capacity_bytes
        self.size_bytes = 0
        self._clock = clock or SystemClock()
        self._on_eviction = on_eviction
        self._cache: OrderedDict[str, bytes] = OrderedDict()
        self._expiries: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._cache)

    async def _get(self, key: str, encoding: str | None = None, _conn: Any = None) -> bytes | None:
        if self._clock.now() >= self._expiries.get(key, float("inf")):
            self.discard(key)
        if key in self._cache:
            self._cache.move_to_end(key)
        return self._cache.get(key)

    async def _multi_get(self, keys: Iterable[str], encoding: str | None = None, _conn: Any = None) -> list[Any]:
        return [await self._get(key) for key in keys]

    async def _exists(self, key: str, _conn: Any = None) -> bool:
        return await self._get(key) is not None

    async def _set(
        self, key: str, value: bytes, ttl: float | None = None, _cas_token: Any = None, _conn: Any = None
    ) -> bool:
        if _cas_token is not None and _cas_token != self._cache.get(key):
            return False
        self.discard(key)
        size_bytes = _entry_bytes(key, value)
        if size_bytes > self.capacity_bytes:
            return False
        while self.size_bytes + size_bytes > self.capacity_bytes:
            self.discard(next(iter(self._cache)))
            self._on_eviction()
        self._cache[key] = value
        self.size_bytes += size_bytes
        await self._expire(key, ttl)
        return True

    async def _expire(self, key: str, ttl: float | None, _conn: Any = None) -> bool:
        self._expiries.pop(key, None)
        if key in self._cache and ttl:
            self._expiries[key] = self._clock.now() + ttl
        return key in self._cache

    async def _increment(self, key: str, delta: int, _conn: Any = None) -> int:
        raise TypeError("this cache holds bytes, not numbers")

    async def _delete(self, key: str, _conn: Any = None) -> int:
        return self.discard(key)

    async def _clear(self, namespace: str | None = None, _conn: Any = None) -> bool:
        for key in [key for key in self._cache if key.startswith(namespace or "")]:
            self.discard(key)
        return True

    def discard(self, key: str) -> int:
        """How many entries went. For those who must not be interrupted between deciding and dropping."""
        self._expiries.pop(key, None)
        value = self._cache.pop(key, None)
        if value is None:
            return 0
        self.size_bytes -= _entry_bytes(key, value)
        return 1

    def discard_all(self) -> None:
        self._cache.clear()
        self._expiries.clear()
        self.size_bytes = 0


def _entry_bytes(key: str, value: bytes) -> int:
    return len(key) + len(value) + ENTRY_OVERHEAD_BYTES
