"""A replica may lag behind the event that told of a change: its reads are repeated, then marked as stale."""

import asyncio
from collections.abc import Iterator

import pytest

from broker.testing import FakeClock
from messier.fresh_reads import FreshReads, Reading
from messier.newest_versions import NewestVersions
from schema.courses import DocumentVersion
from schema.errors import NotFound


def version(number: int) -> DocumentVersion:
    return DocumentVersion(key="terms", version=number, changed_at=0, digest="0" * 64)


class Replica:
    """Answers one after another, the last one for ever."""

    def __init__(self, *answers: DocumentVersion | NotFound) -> None:
        self._answers: Iterator[DocumentVersion | NotFound] = iter(answers)
        self._last = answers[-1]
        self.reads = 0

    async def read(self) -> DocumentVersion:
        self.reads += 1
        answer = next(self._answers, self._last)
        if isinstance(answer, NotFound):
            raise answer
        return answer


class Reader:
    """Reads while time passes."""

    def __init__(self, newest: int) -> None:
        self._clock = FakeClock()
        versions = NewestVersions(self._clock)
        versions.observe("terms", newest)
        self._reads = FreshReads(versions, self._clock, pauses_seconds=(0.1, 0.2))

    async def read(self, replica: Replica) -> Reading[DocumentVersion]:
        reading = asyncio.create_task(self._reads.read("terms", replica.read))
        await self._clock.advance(1)
        return await reading


async def test_reads_once_where_nothing_newer_is_known() -> None:
    replica = Replica(version(4))
    assert await Reader(newest=0).read(replica) == Reading(version(4), stale=False, news=False)
    assert replica.reads == 1


async def test_repeats_until_the_replica_has_caught_up() -> None:
    replica = Replica(version(4), version(4), version(5))
    assert await Reader(newest=5).read(replica) == Reading(version(5), stale=False, news=False)


async def test_gives_the_old_answer_marked_when_the_replica_stays_behind() -> None:
    replica = Replica(version(4))
    assert await Reader(newest=5).read(replica) == Reading(version(4), stale=True, news=False)
    assert replica.reads == 3


async def test_never_goes_back_behind_its_own_earlier_read() -> None:
    reader = Reader(newest=0)
    await reader.read(Replica(version(5)))
    assert await reader.read(Replica(version(4))) == Reading(version(4), stale=True, news=False)


async def test_waits_for_a_document_that_exists_elsewhere_already() -> None:
    replica = Replica(NotFound("no terms"), version(1))
    assert await Reader(newest=1).read(replica) == Reading(version(1), stale=False, news=False)


async def test_believes_at_once_that_a_document_nobody_spoke_of_does_not_exist() -> None:
    replica = Replica(NotFound("no terms"))
    with pytest.raises(NotFound):
        await Reader(newest=0).read(replica)
    assert replica.reads == 1


async def test_believes_in_the_end_that_a_document_does_not_exist() -> None:
    with pytest.raises(NotFound):
        await Reader(newest=1).read(Replica(NotFound("no terms")))


async def test_what_nobody_told_of_is_news() -> None:
    assert await Reader(newest=3).read(Replica(version(4))) == Reading(version(4), stale=False, news=True)
