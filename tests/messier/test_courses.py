"""The courses service on a mesh in memory: documents are composed once, kept, dropped when told, and never go back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from broker import Broker, BrokerConfig, Context, Service, event
from broker.testing import FakeClock, MemoryNetwork, MemoryTransport, settled
from messier.bootstrap import attach, checks
from messier.sample import sample_catalogue
from schema.courses import COURSES, DOCUMENT_CHANGED, DocumentChanged
from schema.errors import Invalid, MeshError, NotFound
from tests.messier.row_store import CHANGED_AT, RowStore
from whirlpool.reads import stale_twin

TERM = "courses.term"
OF_2168 = {"code": "2168"}
OLD: dict[str, Any] = {"COMT": []}
NEW: dict[str, Any] = {"COMT": [], "DUST": []}
NEWER: dict[str, Any] = {"DUST": []}


class Edge(Service):
    """Hears what an andromeda hears."""

    name = "edge"

    def __init__(self) -> None:
        self.changes: list[tuple[str, int]] = []

    @event(DOCUMENT_CHANGED)
    async def changed(self, context: Context, payload: DocumentChanged) -> None:
        self.changes.append((payload.key, payload.version))


class Region:
    """A whirlpool, a messier and an andromeda, as far as this tier sees them."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.network = MemoryNetwork()
        self.store, self.edge = RowStore(), Edge()
        self.messier_transport = self.network.transport()
        self.whirlpool = self._broker("whirlpool", self.network.transport())
        self.messier = self._broker("messier", self.messier_transport)
        self.andromeda = self._broker("andromeda", self.network.transport())
        self.whirlpool.add(self.store)
        self.whirlpool.add(stale_twin(self.store))
        self.andromeda.add(self.edge)
        attach(self.messier, self.clock)

    def _broker(self, tier: str, transport: MemoryTransport) -> Broker:
        return Broker(BrokerConfig(region="west", node=f"{tier}-west-1"), transport, clock=self.clock)

    async def call(self, action: str, request: Any = None) -> Any:
        answer, _ = await self.call_with_meta(action, request)
        return answer

    async def call_with_meta(self, action: str, request: Any = None) -> tuple[Any, dict[str, Any]]:
        meta: dict[str, Any] = {}
        call = asyncio.create_task(self.andromeda.call(action, request or {}, meta=meta))
        await self.clock.advance(0.35)
        return await call, meta

    def counted(self, name: str, cache: str = "documents") -> float | None:
        registry = self.messier.metrics.registry
        return registry.get_sample_value(f"localgroup_cache_{name}", {"cache": cache})


@pytest.fixture
async def region() -> AsyncIterator[Region]:
    region = Region()
    async with AsyncExitStack() as stack:
        for broker in (region.whirlpool, region.messier, region.andromeda):
            await stack.enter_async_context(broker)
        await settled()
        yield region


@pytest.mark.parametrize("key", ["terms", "terms/2168", "courses/2164", "ge"])
async def test_document_comes_out_as_it_was_put_in(region: Region, key: str) -> None:
    document = sample_catalogue()[key]
    region.store.put(key, document)
    family, _, code = key.partition("/")
    verb = "term" if key.startswith("terms/") else family
    assert await region.call(f"courses.{verb}", {"code": code} if code else {}) == document


async def test_typed_caller_gets_a_document_that_fits_the_contract(region: Region) -> None:
    document = sample_catalogue()["courses/2168"]
    region.store.put("courses/2168", document)
    answer = await region.andromeda.call(COURSES, COURSES.request(code="2168"))
    assert answer == document


async def test_second_caller_is_answered_without_a_read(region: Region) -> None:
    region.store.put("terms/2168", OLD)
    assert [await region.call(TERM, OF_2168) for _ in range(3)] == [OLD] * 3
    assert region.store.reads["terms/2168"] == 1
    assert region.counted("hits_total") == 2


async def test_hundred_cold_callers_cause_one_read(region: Region) -> None:
    region.store.put("terms/2168", OLD)
    region.store.open.clear()
    calls = [asyncio.create_task(region.andromeda.call(TERM, OF_2168)) for _ in range(100)]
    await settled()
    region.store.open.set()
    assert await asyncio.gather(*calls) == [OLD] * 100
    assert region.store.reads["terms/2168"] == 1


async def test_change_is_seen_at_once_and_told_to_the_edge(region: Region) -> None:
    region.store.put("terms/2168", OLD)
    await region.call(TERM, OF_2168)
    await region.store.change("terms/2168", NEW)
    await settled()
    assert region.edge.changes == [("terms/2168", 2)]
    assert await region.call_with_meta(TERM, OF_2168) == (NEW, {})


async def test_change_of_one_document_leaves_the_others_alone(region: Region) -> None:
    region.store.put("ge", {"QR": "Quantity"})
    await region.call("courses.ge")
    await region.store.change("terms/2168", NEW)
    await settled()
    await region.call("courses.ge")
    assert region.store.reads["ge"] == 1


async def test_change_during_a_read_is_not_overwritten_by_it(region: Region) -> None:
    region.store.put("terms/2168", OLD)
    region.store.open.clear()
    early = asyncio.create_task(region.andromeda.call(TERM, OF_2168))
    await settled()
    await region.store.change("terms/2168", NEW)
    await settled()
    region.store.open.set()
    await region.clock.advance(1)
    assert await early == NEW
    assert await region.call(TERM, OF_2168) == NEW


async def test_replica_that_lags_is_asked_again(region: Region) -> None:
    region.store.put("terms/2168", OLD)
    await region.store.tell("terms/2168", 2)
    await settled()
    call = asyncio.create_task(region.andromeda.call(TERM, OF_2168))
    await region.clock.advance(0.02)
    region.store.put("terms/2168", NEW)
    await region.clock.advance(1)
    assert await call == NEW


async def test_replica_that_stays_behind_is_answered_as_stale_and_not_kept(region: Region) -> None:
    region.store.put("terms/2168", OLD)
    await region.store.tell("terms/2168", 2)
    await settled()
    assert await region.call_with_meta(TERM, OF_2168) == (OLD, {"stale": True})
    region.store.put("terms/2168", NEW)
    assert await region.call_with_meta(TERM, OF_2168) == (NEW, {})


async def test_unknown_document_is_named(region: Region) -> None:
    with pytest.raises(NotFound, match="terms/1999"):
        await region.call(TERM, {"code": "1999"})


async def test_unknown_document_is_found_as_soon_as_it_exists(region: Region) -> None:
    with pytest.raises(NotFound):
        await region.call(TERM, OF_2168)
    region.store.put("terms/2168", OLD)
    assert await region.call(TERM, OF_2168) == OLD


async def test_timestamp_moves_with_the_document(region: Region) -> None:
    region.store.put("terms/2168", OLD)
    assert await region.call("courses.timestamp", {"key": "terms/2168"}) == CHANGED_AT
    await region.store.change("terms/2168", NEW)
    await settled()
    assert await region.call("courses.timestamp", {"key": "terms/2168"}) == CHANGED_AT + 1


async def test_timestamp_of_an_unknown_document_is_not_found(region: Region) -> None:
    with pytest.raises(NotFound, match="offered/spring"):
        await region.call("courses.timestamp", {"key": "offered/spring"})


async def test_polled_timestamp_makes_up_for_a_lost_event(region: Region) -> None:
    region.store.put("terms/2168", OLD)
    await region.call(TERM, OF_2168)
    region.store.put("terms/2168", NEW)
    assert await region.call(TERM, OF_2168) == OLD
    await region.call("courses.timestamp", {"key": "terms/2168"})
    assert await region.call(TERM, OF_2168) == NEW
    assert region.edge.changes == [("terms/2168", 2)]


async def test_document_read_after_a_lost_event_takes_its_timestamp_along(region: Region) -> None:
    region.store.put("terms/2168", OLD)
    await region.call("courses.timestamp", {"key": "terms/2168"})
    region.store.put("terms/2168", NEW)
    await region.call(TERM, OF_2168)
    assert await region.call("courses.timestamp", {"key": "terms/2168"}) == CHANGED_AT + 1


async def test_document_is_read_again_when_its_time_is_over(region: Region) -> None:
    region.store.put("terms/2168", OLD)
    await region.call(TERM, OF_2168)
    region.store.put("terms/2168", NEW)
    await region.clock.advance(61)
    assert await region.call(TERM, OF_2168) == NEW


async def test_lost_connection_drops_what_was_kept(region: Region) -> None:
    region.store.put("terms/2168", OLD)
    await region.call(TERM, OF_2168)
    region.messier_transport.cut()
    region.store.put("terms/2168", NEW)
    region.messier_transport.restore()
    await settled()
    assert await region.call(TERM, OF_2168) == NEW


async def test_search_is_shaped_and_kept_for_a_while(region: Region) -> None:
    answers = [await region.call("courses.search", {"q": q}) for q in ("Dust", "dust  DUST")]
    assert [[each["n"] for each in answer] for answer in answers] == [["dust"], ["dust"]]
    assert len(region.store.searches) == 1


async def test_search_is_repeated_after_any_change(region: Region) -> None:
    await region.call("courses.search", {"q": "dust"})
    await region.store.change("terms/2168", NEW)
    await settled()
    await region.call("courses.search", {"q": "dust"})
    assert len(region.store.searches) == 2


@pytest.mark.parametrize("request_", [{}, {"q": " "}, {"q": "a b c d e f g h i"}, {"q": 5}, {"q": "x", "limit": 0}])
async def test_search_that_makes_no_sense_is_refused(region: Region, request_: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        await region.call("courses.search", request_)
    assert not region.store.searches


async def test_many_changes_end_in_the_last_one(region: Region) -> None:
    for document in (OLD, NEW, NEWER):
        await region.store.change("terms/2168", document)
        reading = asyncio.create_task(region.andromeda.call(TERM, OF_2168))
        await settled()
        reading.cancel()
    await settled()
    assert await region.call_with_meta(TERM, OF_2168) == (NEWER, {})


async def test_node_without_rows_says_that_it_is_not_ready(region: Region) -> None:
    assert [check() for check in checks(region.messier).values()] == [None, None]
    await region.whirlpool.withdraw("db-courses")
    await settled()
    assert checks(region.messier)["rows"]() == "nobody answers db-courses.terms"


async def test_without_rows_a_kept_document_is_still_answered(region: Region) -> None:
    region.store.put("terms/2168", OLD)
    await region.call(TERM, OF_2168)
    await region.whirlpool.withdraw("db-courses")
    await settled()
    assert await region.call(TERM, OF_2168) == OLD
    with pytest.raises(MeshError):
        await region.call("courses.terms")


async def test_old_rows_are_answered_and_labelled_while_no_database_can_tell_what_is_true(region: Region) -> None:
    region.store.put("terms/2168", OLD)
    await region.whirlpool.withdraw(RowStore.name)
    assert await region.call_with_meta(TERM, OF_2168) == (OLD, {"stale": True})
    found, meta = await region.call_with_meta("courses.search", {"q": "dust"})
    assert len(found) == 1
    assert meta == {"stale": True}
    region.store.old_seconds = 42.5
    assert await region.call_with_meta(TERM, OF_2168) == (OLD, {"stale": True, "stale_seconds": 42.5})
    region.store.put("terms/2168", NEW)
    await region.whirlpool.offer(RowStore.name)
    assert await region.call_with_meta(TERM, OF_2168) == (NEW, {})
