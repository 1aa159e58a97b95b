"""Loads a catalogue through the mesh, as any client could: only what changed is sent, a few documents at a time.

Loading twice changes nothing, and a load that broke off is finished by loading again: the store compares digests.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from broker import Broker
from broker.clock import Clock, sleep
from messier.catalogue import CatalogueDocument, Finding, Ignored, Malformed
from messier.replacements import Replacement, replacement_of
from schema.action import Nothing
from schema.courses import READ_VERSIONS, Saved
from schema.errors import MeshError

PARALLEL = 3
"""One document in work for each of three regions; more only makes the members certify against each other."""
REPLACE_DEADLINE_SECONDS = 30.0
PATIENCE_SECONDS = 120.0
"""How long one document is tried: a store whose member is taking over is back within a minute."""
PAUSE_SECONDS_MIN, PAUSE_SECONDS_MAX = 0.1, 3.0

log = logging.getLogger(__name__)


class Progress(Protocol):
    def advance(self, name: str) -> None:
        """One more file is dealt with."""
        ...


@dataclass(frozen=True, slots=True)
class Failed:
    """In shape, and yet not stored."""

    name: str
    reason: str


@dataclass(slots=True)
class Summary:
    loaded: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    malformed: list[Malformed] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    ignored: list[Ignored] = field(default_factory=list)


class Loader:
    def __init__(
        self,
        broker: Broker,
        progress: Progress,
        *,
        clock: Clock,
        random: Random,
        parallel: int = PARALLEL,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._broker = broker
        self._progress = progress
        self._clock = clock
        self._random = random
        self._turns = asyncio.Semaphore(parallel)
        self._patience_seconds = patience_seconds

    async def load(self, findings: Iterable[Finding]) -> Summary:
        """A document is read when its turn comes, so memory holds no more than are in work."""
        summary = Summary()
        stored = await self._stored_digests()
        async with asyncio.TaskGroup() as tasks:
            for finding in findings:
                await self._turns.acquire()
                task = tasks.create_task(self._deal_with(finding, stored, summary))
                task.add_done_callback(lambda _: self._turns.release())
        return summary

    async def _stored_digests(self) -> Mapping[str, str]:
        versions = await self._broker.call(READ_VERSIONS, Nothing(), deadline_seconds=REPLACE_DEADLINE_SECONDS)
        return {document.key: document.digest for document in versions.documents}

    async def _deal_with(self, finding: Finding, stored: Mapping[str, str], summary: Summary) -> None:
        match finding:
            case Malformed():
                summary.malformed.append(finding)
            case Ignored():
                summary.ignored.append(finding)
            case CatalogueDocument():
                await self._load_document(finding, stored, summary)
        self._progress.advance(finding.name)

    async def _load_document(self, document: CatalogueDocument, stored: Mapping[str, str], summary: Summary) -> None:
        replacement = replacement_of(document.key, document.content)
        if stored.get(replacement.key) == replacement.digest:
            summary.unchanged.append(document.name)
            return
        try:
            saved = await self._replace(replacement)
        except MeshError as error:
            summary.failed.append(Failed(document.name, f"{error.code}: {error.message}"))
        else:
            (summary.loaded if saved.changed else summary.unchanged).append(document.name)

    async def _replace(self, replacement: Replacement) -> Saved:
        """Repeating is harmless although the action is a write: equal digests change nothing."""
        give_up_at_seconds = self._clock.now() + self._patience_seconds
        pause_seconds = PAUSE_SECONDS_MIN
        while True:
            try:
                return await self._broker.call(
                    replacement.action, replacement.request, deadline_seconds=REPLACE_DEADLINE_SECONDS
                )
            except MeshError as error:
                if not error.retryable or self._clock.now() + pause_seconds > give_up_at_seconds:
                    raise
                log.info("%s: %s, trying again", replacement.key, error.message)
            await sleep(self._clock, pause_seconds * self._random.uniform(0.5, 1.0))
            pause_seconds = min(2 * pause_seconds, PAUSE_SECONDS_MAX)
