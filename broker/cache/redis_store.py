"""Cached answers in Redis, shared by the nodes of a service, through aiocache's backend. An optional dependency:

    pip install localgroup[redis]
    Broker(config, transport, cache_store=RedisStore("127.0.0.1", 6379, namespace="west"))

Redis is a help, not a part: each operation has a tenth of a second, and after a failure it is left alone for a while,
during which answers are computed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiocache.backends.redis import RedisCache
from aiocache.serializers import NullSerializer
from redis.asyncio import BlockingConnectionPool
from redis.exceptions import RedisError

from broker.cache.stores import StoreFailed
from broker.clock import Clock, SystemClock

OPERATION_SECONDS = 0.1
"""What takes longer is no help."""
PAUSE_SECONDS = 1.0
FORGETTING_SECONDS = 5.0
"""To look through all keys for those that begin alike."""
CONNECTIONS_MAX = 32
"""Whoever finds them all busy waits for one, within the time of an operation."""
SCAN_COUNT = 500

logger = logging.getLogger(__name__)


class RedisStore:
    def __init__(
        self,
        host: str,
        port: int = 6379,
        *,
        db: int = 0,
        password: str | None = None,
        namespace: str = "localgroup",
        clock: Clock | None = None,
    ) -> None:
        self._namespace = namespace
        self._clock = clock or SystemClock()
        self._avoid_until_seconds = 0.0
        self._cache = RedisCache(
            endpoint=host,
            port=port,
            db=db,
            password=password,
            namespace=namespace,
            serializer=NullSerializer(encoding=None),
            timeout=OPERATION_SECONDS,
            pool_max_size=CONNECTIONS_MAX,
            connection_pool_class=BlockingConnectionPool,
            connection_pool_kwargs={"timeout": OPERATION_SECONDS},
            create_connection_timeout=OPERATION_SECONDS,
        )

    async def get(self, key: str) -> bytes | None:
        found: bytes | None = await self._try(lambda: self._cache.get(key))
        return found

    async def set(self, key: str, value: bytes, ttl_seconds: float) -> None:
        await self._try(lambda: self._cache.set(key, value, ttl=float(ttl_seconds)))

    async def drop(self, key: str) -> None:
        await self._try(lambda: self._cache.delete(key))

    async def drop_all(self, prefix: str) -> None:
        await self._try(lambda: asyncio.wait_for(self._drop_all(prefix), FORGETTING_SECONDS))

    async def close(self) -> None:
        await self._cache.client.aclose()

    async def _drop_all(self, prefix: str) -> None:
        """A scan does not stop Redis for everybody else, as asking for all keys at once would."""
        pattern = f"{_escaped(self._cache.build_key(prefix, self._namespace))}*"
        keys: list[bytes] = []
        async for key in self._cache.client.scan_iter(match=pattern, count=SCAN_COUNT):
            keys.append(key)
            if len(keys) >= SCAN_COUNT:
                await self._cache.client.unlink(*keys)
                keys.clear()
        if keys:
            await self._cache.client.unlink(*keys)

    async def _try(self, operation: Callable[[], Awaitable[Any]]) -> Any:
        now = self._clock.now()
        if now < self._avoid_until_seconds:
            raise StoreFailed("it failed just now")
        try:
            return await operation()
        except (RedisError, OSError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
            if self._avoid_until_seconds <= now:
                logger.warning("the cache in Redis fails, and is left alone for %s s: %s", PAUSE_SECONDS, reason)
            self._avoid_until_seconds = now + PAUSE_SECONDS
            raise StoreFailed(reason) from error


def _escaped(text: str) -> str:
    """Of what means something in a pattern of Redis."""
    return "".join(f"\\{character}" if character in r"*?[]\^-" else character for character in text)
