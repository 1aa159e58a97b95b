"""Loading a catalogue through the mesh: only what changed, as often as one likes, whatever else is in the folder."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random

import orjson
import pytest

from broker import Broker, BrokerConfig
from broker.testing import FakeClock, MemoryNetwork, settled
from messier.catalogue import Malformed, read_catalogue
from messier.load import Failed, Loader, Summary
from messier.loading import FAILED, OK, SOME_MALFORMED, exit_status
from messier.sample import sample_catalogue, write_sample
from schema.errors import Conflict, MeshError, Unavailable
from tests.messier.row_store import RowStore


class Shown:
    """A progress that remembers what it was told."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def advance(self, name: str) -> None:
        self.names.append(name)


class Mesh:
    def __init__(self) -> None:
        self.clock = FakeClock()
        network = MemoryNetwork()
        self.store, self.shown = RowStore(), Shown()
        self.whirlpool = self._broker("whirlpool", network)
        self.joined = self._broker("loader", network)
        self.whirlpool.add(self.store)

    def _broker(self, tier: str, network: MemoryNetwork) -> Broker:
        return Broker(BrokerConfig(region="west", node=f"{tier}-west-1"), network.transport(), clock=self.clock)

    async def load(self, path: Path, *, minutes: float = 1) -> Summary:
        loader = Loader(self.joined, self.shown, clock=self.clock, random=Random(1), patience_seconds=30)
        loading = asyncio.create_task(loader.load(read_catalogue(path)))
        while not loading.done():
            await settled()
            await self.clock.advance(minutes)
        return await loading


@pytest.fixture
async def mesh() -> AsyncIterator[Mesh]:
    mesh = Mesh()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(mesh.whirlpool)
        await stack.enter_async_context(mesh.joined)
        await settled()
        yield mesh


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    write_sample(tmp_path / "sample")
    return tmp_path / "sample"


async def test_every_document_of_the_sample_is_stored(mesh: Mesh, sample: Path) -> None:
    summary = await mesh.load(sample)
    assert set(mesh.store.stored) == set(sample_catalogue())
    assert len(summary.loaded) == len(mesh.shown.names) == len(sample_catalogue())
    assert exit_status(summary) == OK


async def test_second_load_changes_nothing(mesh: Mesh, sample: Path) -> None:
    await mesh.load(sample)
    mesh.store.replaced.clear()
    summary = await mesh.load(sample)
    assert mesh.store.replaced == []
    assert (len(summary.loaded), len(summary.unchanged)) == (0, len(sample_catalogue()))


async def test_only_what_changed_is_sent(mesh: Mesh, sample: Path) -> None:
    await mesh.load(sample)
    mesh.store.replaced.clear()
    (sample / "ge.json").write_bytes(b'{"OB":"Looking up"}')
    summary = await mesh.load(sample)
    assert mesh.store.replaced == ["ge"]
    assert summary.loaded == ["ge.json"]


async def test_interrupted_load_is_finished_by_the_next_one(mesh: Mesh, sample: Path) -> None:
    mesh.store.failures = [Conflict("not now")] * 3
    assert len((await mesh.load(sample)).failed) == 3
    assert len((await mesh.load(sample)).loaded) == 3
    assert set(mesh.store.stored) == set(sample_catalogue())


async def test_malformed_files_are_named_with_their_place_and_the_rest_loads(mesh: Mesh, sample: Path) -> None:
    (sample / "ge.json").write_bytes(b'{"OB":\n "Looking up"')
    term = orjson.loads((sample / "terms/2168.json").read_bytes())
    term["DUST"][3]["cap"] = 5
    (sample / "terms/2168.json").write_bytes(orjson.dumps(term))
    summary = await mesh.load(sample)
    assert sorted(summary.malformed, key=lambda each: each.name) == [
        Malformed("ge.json", "line 2, column 14: unexpected end of data"),
        Malformed("terms/2168.json", "DUST[3].cap: should be a string"),
    ]
    assert set(mesh.store.stored) == set(sample_catalogue()) - {"ge", "terms/2168"}
    assert exit_status(summary) == SOME_MALFORMED


async def test_other_files_are_counted_and_do_no_harm(mesh: Mesh, sample: Path) -> None:
    (sample / "README.txt").write_text("a catalogue")
    summary = await mesh.load(sample)
    assert [each.name for each in summary.ignored] == ["README.txt"]
    assert exit_status(summary) == OK


async def test_store_that_is_away_for_a_while_is_waited_for(mesh: Mesh, sample: Path) -> None:
    mesh.store.failures = [Unavailable("taking over")] * 5
    summary = await mesh.load(sample, minutes=0.1)
    assert summary.failed == []
    assert set(mesh.store.stored) == set(sample_catalogue())


@pytest.mark.parametrize("error", [Unavailable("gone for good"), Conflict("never")])
async def test_document_that_cannot_be_stored_is_listed_with_the_reason(
    mesh: Mesh, tmp_path: Path, error: MeshError
) -> None:
    (tmp_path / "ge.json").write_bytes(b"{}")
    mesh.store.failures = [error] * 1_000
    summary = await mesh.load(tmp_path)
    assert summary.failed == [Failed("ge.json", f"{error.code}: {error.message}")]
    assert exit_status(summary) == FAILED


async def test_error_that_no_repetition_mends_is_not_repeated(mesh: Mesh, tmp_path: Path) -> None:
    (tmp_path / "ge.json").write_bytes(b"{}")
    mesh.store.failures = [Conflict("never")] * 2
    await mesh.load(tmp_path)
    assert len(mesh.store.failures) == 1
