"""Where cached answers are kept: in this process by default, or in a store that nodes share (`redis_store.py`)."""

from __future__ import annotations

from typing import Protocol

from broker.cache.bounded_memory import BoundedMemoryCache
from broker.clock import Clock

ANSWERS_BYTES = 32 * 1024 * 1024
"""For all cached actions of a node together."""


class StoreFailed(Exception):
    """The store cannot be reached, or does not answer."""


class Store(Protocol):
    """Every operation may raise `StoreFailed`."""

    async def get(self, key: str) -> bytes | None: ...

    async def set(self, key: str, value: bytes, ttl_seconds: float) -> None: ...

    async def drop(self, key: str) -> None: ...

    async def drop_all(self, prefix: str) -> None:
        """Of the keys that begin so."""
        ...

    async def close(self) -> None: ...


class MemoryStore:
    def __init__(self, clock: Clock, capacity_bytes: int = ANSWERS_BYTES) -> None:
        self._kept = BoundedMemoryCache(capacity_bytes=capacity_bytes, clock=clock)

    async def get(self, key: str) -> bytes | None:
        found: bytes | None = await self._kept.get(key)
        return found

    async def set(self, key: str, value: bytes, ttl_seconds: float) -> None:
        await self._kept.set(key, value, ttl=ttl_seconds)

    async def drop(self, key: str) -> None:
        self._kept.discard(key)

    async def drop_all(self, prefix: str) -> None:
        await self._kept.clear(namespace=prefix)

    async def close(self) -> None:
        self._kept.discard_all()
