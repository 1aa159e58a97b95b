"""Reads that do not go back in time: a replica may answer before the change that an event told of has reached it.

Such a read is repeated a few times; if the replica stays behind, its answer is given and marked as stale. A read may
also be ahead of all that was told: then an event was lost, or is on its way.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from broker.clock import Clock, sleep
from messier.newest_versions import NewestVersions
from schema.errors import NotFound

PAUSES_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.15)
"""Galera applies a write set within milliseconds; 0.3 s in all is far less than a caller's usual deadline."""


class HasVersion(Protocol):
    @property
    def version(self) -> int: ...


Answer = TypeVar("Answer", bound=HasVersion)
Read = Callable[[], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Reading(Generic[Answer]):
    """`stale`: something newer is known to exist. `news`: nothing this new was known before."""

    answer: Answer
    stale: bool
    news: bool


class FreshReads:
    def __init__(
        self, versions: NewestVersions, clock: Clock, pauses_seconds: Iterable[float] = PAUSES_SECONDS
    ) -> None:
        self._versions = versions
        self._clock = clock
        self._pauses_seconds = tuple(pauses_seconds)

    async def read(self, key: str, read: Read[Answer]) -> Reading[Answer]:
        for pause_seconds in self._pauses_seconds:
            answer = await self._attempt(key, read)
            if answer is not None and answer.version >= self._versions.newest(key):
                return self._reading(key, answer)
            await sleep(self._clock, pause_seconds)
        return self._reading(key, await read())

    async def _attempt(self, key: str, read: Read[Answer]) -> Answer | None:
        """None where the replica does not have a document yet that exists elsewhere."""
        try:
            return await read()
        except NotFound:
            if self._versions.newest(key):
                return None
            raise

    def _reading(self, key: str, answer: Answer) -> Reading[Answer]:
        stale = answer.version < self._versions.newest(key)
        return Reading(answer, stale, news=self._versions.observe(key, answer.version))
