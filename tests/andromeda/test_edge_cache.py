from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andromeda.edge_cache import EdgeCache, Fetched
from andromeda.encoding import PREFERENCE
from andromeda.page import Content, Page
from andromeda.shelf import Lifetime, Shelf
from broker.testing import FakeClock, settled
from schema.errors import Internal, MeshError, NotFound, Unavailable

LIFETIME = Lifetime(fresh_seconds=30, stale_while_revalidate_seconds=300, stale_if_error_seconds=86_400)
LARGE = 1_000_000


def page(body: bytes = b"{}") -> Page:
    return Page(Content(body, "/"))


class Source:
    """Answers a new page each time, when it is let."""

    def __init__(self) -> None:
        self.fetched = 0
        self.error: MeshError | None = None
        self.lifetime: Lifetime | None = LIFETIME
        self.let = asyncio.Event()
        self.let.set()

    async def fetch(self) -> Fetched:
        self.fetched += 1
        body = b"%d" % self.fetched
        await self.let.wait()
        if self.error is not None:
            raise self.error
        return Fetched(page(body), self.lifetime)


class Trial:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.cache = EdgeCache(LARGE, clock=self.clock.now)
        self.source = Source()

    async def ask(self) -> tuple[str, str]:
        answer = await self.cache.answer("terms", self.source.fetch)
        variant = answer.page.ready("identity")
        assert variant is not None
        return variant.body.decode(), answer.outcome


@pytest.fixture
def trial() -> Trial:
    return Trial()


async def test_a_fresh_page_is_answered_from_memory(trial: Trial) -> None:
    assert await trial.ask() == ("1", "miss")
    await trial.clock.advance(29.9)
    assert await trial.ask() == ("1", "hit")
    assert trial.cache.fresh("terms") is not None


async def test_an_older_page_is_answered_once_more_while_one_request_fetches_its_successor(trial: Trial) -> None:
    await trial.ask()
    await trial.clock.advance(30)
    assert trial.cache.fresh("terms") is None
    trial.source.let.clear()
    assert [await trial.ask() for _ in range(5)] == [("1", "stale")] * 5
    trial.source.let.set()
    await settled()
    assert await trial.ask() == ("2", "hit")
    assert trial.source.fetched == 2


async def test_nobody_is_handed_a_page_of_long_ago_while_a_new_one_can_be_had(trial: Trial) -> None:
    await trial.ask()
    await trial.clock.advance(330)
    assert await trial.ask() == ("2", "miss")


async def test_a_refresh_that_fails_leaves_the_old_page(trial: Trial) -> None:
    await trial.ask()
    await trial.clock.advance(31)
    trial.source.error = Unavailable("gone")
    assert await trial.ask() == ("1", "stale")
    await settled()
    assert await trial.ask() == ("1", "stale")


@pytest.mark.parametrize("error", [Unavailable("gone"), Internal("defect")])
async def test_an_old_page_is_better_than_an_error_of_ours(trial: Trial, error: MeshError) -> None:
    await trial.ask()
    await trial.clock.advance(86_399)
    trial.source.error = error
    assert await trial.ask() == ("1", "error")


async def test_a_page_of_yesterday_is_no_answer(trial: Trial) -> None:
    await trial.ask()
    await trial.clock.advance(86_400)
    trial.source.error = Unavailable("gone")
    with pytest.raises(Unavailable):
        await trial.ask()


async def test_that_something_is_gone_is_an_answer(trial: Trial) -> None:
    await trial.ask()
    await trial.clock.advance(400)
    trial.source.error = NotFound("no such key")
    with pytest.raises(NotFound):
        await trial.ask()


async def test_an_outdated_page_is_never_answered_again(trial: Trial) -> None:
    await trial.ask()
    trial.cache.invalidate("terms")
    trial.source.error = Unavailable("gone")
    with pytest.raises(Unavailable):
        await trial.ask()


async def test_a_fetch_that_began_before_the_news_is_not_kept(trial: Trial) -> None:
    trial.source.let.clear()
    before = asyncio.create_task(trial.ask())
    await settled()
    trial.cache.invalidate("terms")
    after = asyncio.create_task(trial.ask())
    await settled()
    trial.source.let.set()
    assert await before == ("1", "miss")
    assert await after == ("2", "miss")
    assert await trial.ask() == ("2", "hit")


async def test_a_refresh_that_began_before_the_news_is_not_kept(trial: Trial) -> None:
    await trial.ask()
    await trial.clock.advance(31)
    trial.source.let.clear()
    await trial.ask()
    await settled()
    trial.cache.invalidate("terms")
    trial.source.let.set()
    await settled()
    assert await trial.ask() == ("3", "miss")


@pytest.mark.parametrize("forget", [EdgeCache.clear, EdgeCache.doubt_everything])
async def test_a_fetch_under_way_does_not_survive_a_general_doubt(trial: Trial, forget: object) -> None:
    trial.source.let.clear()
    asking = asyncio.create_task(trial.ask())
    await settled()
    forget(trial.cache)  # type: ignore[operator]
    trial.source.let.set()
    await asking
    assert await trial.ask() == ("2", "miss")


async def test_a_doubted_page_is_only_good_for_when_nothing_better_can_be_had(trial: Trial) -> None:
    await trial.ask()
    trial.cache.doubt_everything()
    trial.source.error = Unavailable("gone")
    assert await trial.ask() == ("1", "error")
    trial.source.error = None
    assert await trial.ask() == ("3", "miss")


async def test_what_must_not_be_kept_does_not_push_out_what_was(trial: Trial) -> None:
    await trial.ask()
    trial.cache.doubt_everything()
    trial.source.lifetime = None
    assert await trial.ask() == ("2", "miss")
    trial.source.error = Unavailable("gone")
    assert await trial.ask() == ("1", "error")


async def test_closing_ends_what_goes_on_behind(trial: Trial) -> None:
    await trial.ask()
    await trial.clock.advance(31)
    trial.source.let.clear()
    await trial.ask()
    await trial.cache.close()
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "refresh terms"]


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 4_000)), max_size=40))
def test_a_shelf_never_holds_more_than_it_may(puts: list[tuple[str, int]]) -> None:
    shelf = Shelf(capacity_bytes=10_000)
    for key, size in puts:
        shelf.put(key, page(b"x" * size), LIFETIME, now=0.0)
        assert shelf.size_bytes <= shelf.capacity_bytes
        assert shelf.size_bytes == sum(entry.held_bytes for entry in shelf.entries())


def test_the_page_that_was_used_least_recently_leaves_first() -> None:
    evictions: list[None] = []
    shelf = Shelf(3 * page().size_bytes, on_eviction=lambda: evictions.append(None))
    for key in "abc":
        shelf.put(key, page(), LIFETIME, now=0.0)
    shelf.get("a")
    shelf.put("d", page(), LIFETIME, now=0.0)
    assert [key in shelf for key in "abcd"] == [True, False, True, True]
    assert len(evictions) == 1


async def test_pages_are_folded_before_any_has_to_leave() -> None:
    bodies = {key: key.encode() * 10_000 for key in "abcdefgh"}
    shelf = Shelf(capacity_bytes=60_000)
    for key, body in bodies.items():
        shelf.put(key, page(body), LIFETIME, now=0.0)
    assert len(shelf) == len(bodies)
    for key, body in bodies.items():
        entry = shelf.get(key)
        assert entry is not None
        assert (await entry.page.variant("identity")).body == body
        assert shelf.size_bytes <= shelf.capacity_bytes


@pytest.mark.parametrize("size", [10_000, 200_000])
async def test_a_folded_page_answers_the_same(size: int) -> None:
    whole, folded = page(b"x" * size), page(b"x" * size)
    folded.fold()
    assert not folded.foldable
    assert folded.size_bytes < whole.size_bytes / 4
    for coding in PREFERENCE:
        assert await folded.variant(coding) == await whole.variant(coding)


async def test_a_page_weighs_more_once_it_was_compressed() -> None:
    shelf = Shelf(capacity_bytes=1_000_000)
    held = page(b"x" * 100_000)
    shelf.put("a", held, LIFETIME, now=0.0)
    before = shelf.size_bytes
    await held.variant("gzip")
    assert shelf.size_bytes == held.size_bytes > before


async def test_a_page_that_left_weighs_nothing() -> None:
    shelf = Shelf(capacity_bytes=1_000_000)
    held = page(b"x" * 100_000)
    shelf.put("a", held, LIFETIME, now=0.0)
    shelf.put("a", page(), LIFETIME, now=0.0)
    await held.variant("gzip")
    assert shelf.size_bytes == page().size_bytes


async def test_many_who_want_the_same_coding_wait_for_one_compression() -> None:
    held = page(b"x" * 1_000_000)
    variants = await asyncio.gather(*(held.variant("gzip") for _ in range(10)))
    assert len({id(variant) for variant in variants}) == 1
