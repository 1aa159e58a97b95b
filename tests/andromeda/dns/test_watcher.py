"""A watcher looks at the regions, writes down who can be named, and does in the mesh what it is told to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from random import Random

import pytest

from andromeda.dns.decisions import Decisions
from andromeda.dns.declaration import IPAddress
from andromeda.dns.nearest import Nearest
from andromeda.dns.probing import READY, Finding, silent
from andromeda.dns.service import Names
from andromeda.dns.sharing import NearestFile, telling
from andromeda.dns.watcher import HEALTH, Watcher
from broker import Broker, BrokerConfig
from broker.testing import FakeClock, MemoryNetwork, settled
from schema.action import Nothing
from schema.errors import Conflict, NotFound
from schema.names import BRING_BACK, ROUND_TRIPS, STATE, TAKE_OUT, OfRegion, RoundTrip, RoundTrips, TakeOut
from tests.andromeda.dns.declared import CENTRAL, EAST, WEST, three_regions
from tests.waiting import eventually

DECLARATION = three_regions()
EVERYBODY = {"west", "central", "east"}


@dataclass
class Regions:
    """What probes of addresses find."""

    findings: dict[IPAddress, Finding] = field(default_factory=dict)

    async def __call__(self, address: IPAddress) -> Finding:
        return self.findings.get(address, READY)

    async def close(self) -> None:
        """Nothing was opened."""

    def kill(self, *addresses: str) -> None:
        self.findings |= {ip_address(address): silent("connection refused") for address in addresses}

    def make_unready(self, *addresses: str) -> None:
        self.findings |= {ip_address(address): Finding(answered=True, problem="503") for address in addresses}

    def mend(self) -> None:
        self.findings.clear()


@pytest.fixture
def regions() -> Regions:
    return Regions()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def watcher(folder: Path, regions: Regions, clock: FakeClock) -> Watcher:
    return Watcher(DECLARATION, folder, regions, clock=clock, random=Random(1))


@pytest.fixture
async def watching(tmp_path: Path, regions: Regions, clock: FakeClock) -> AsyncIterator[Watcher]:
    found = watcher(tmp_path, regions, clock)
    await found.start()
    yield found
    await found.stop()


async def test_names_no_dead_region_from_the_first_moment(tmp_path: Path, regions: Regions, clock: FakeClock) -> None:
    regions.kill(WEST)
    found = watcher(tmp_path, regions, clock)
    before = found.why_unready()
    await found.start()
    await found.stop()

    assert before == "has not looked at every region yet"
    assert found.why_unready() is None
    assert set(found.named()) == {"central", "east"}
    assert WEST not in (tmp_path / HEALTH).read_text()


async def test_a_dead_region_is_out_within_two_probes(watching: Watcher, regions: Regions, clock: FakeClock) -> None:
    regions.kill(WEST)
    await clock.advance(1.4)  # a round of 1 s, jittered, and the second look right after

    assert set(watching.named()) == {"central", "east"}
    assert watching.problem_of("west") == "connection refused"


async def test_a_region_is_back_after_five_seconds(watching: Watcher, regions: Regions, clock: FakeClock) -> None:
    regions.kill(WEST)
    await clock.advance(2)
    regions.mend()
    await clock.advance(3)
    early = set(watching.named())
    await clock.advance(3)

    assert "west" not in early
    assert set(watching.named()) == EVERYBODY


async def test_one_lost_probe_changes_nothing(watching: Watcher, regions: Regions, clock: FakeClock) -> None:
    for _ in range(20):
        regions.kill(WEST)
        while not watching.problem_of("west") and not watching.doubtful(ip_address(WEST)):
            await clock.advance(0.05)
        regions.mend()
        await clock.advance(2)

        assert set(watching.named()) == EVERYBODY


async def test_regions_that_answer_are_named_while_none_is_ready(
    watching: Watcher, regions: Regions, clock: FakeClock
) -> None:
    """All SQL is gone, and then a region."""
    regions.make_unready(WEST, CENTRAL, EAST, "2001:db8::3")
    await clock.advance(2)
    without_rows = set(watching.named())
    regions.kill(WEST)
    await clock.advance(2)

    assert without_rows == EVERYBODY
    assert set(watching.named()) == {"central", "east"}


async def test_writes_every_second_so_that_its_silence_is_noticed(
    watching: Watcher, tmp_path: Path, clock: FakeClock
) -> None:
    for _ in range(5):
        (tmp_path / HEALTH).unlink()
        await clock.advance(1.2)

        assert (tmp_path / HEALTH).exists()


# --- in the mesh ---------------------------------------------------------------------------------------------------


@dataclass
class Node:
    watcher: Watcher
    decisions: Decisions
    nearest: Nearest
    broker: Broker


@dataclass
class Mesh:
    folder: Path
    regions: Regions
    clock: FakeClock
    network: MemoryNetwork = field(default_factory=MemoryNetwork)
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def node(self, region: str) -> Node:
        folder = self.folder / region
        folder.mkdir(exist_ok=True)
        decisions, nearest = Decisions(EVERYBODY, folder / "decisions.json"), Nearest(EVERYBODY)
        found = Watcher(DECLARATION, folder, self.regions, clock=self.clock, random=Random(1), out=decisions.out)
        await found.start()
        self.stack.push_async_callback(found.stop)
        broker = Broker(BrokerConfig(region=region, node=f"names-{region}-1", tier="names"), self.network.transport())
        broker.add(Names(DECLARATION, found, decisions, nearest, self.clock))
        await self.stack.enter_async_context(broker)
        return Node(found, decisions, nearest, broker)

    async def operator(self) -> Broker:
        broker = Broker(BrokerConfig(region="nowhere", node="mesh.1", tier="mesh"), self.network.transport())
        await self.stack.enter_async_context(broker)
        await broker.wait_for("names", deadline_seconds=5)
        return broker


@pytest.fixture
async def mesh(tmp_path: Path, regions: Regions, clock: FakeClock) -> AsyncIterator[Mesh]:
    found = Mesh(tmp_path, regions, clock)
    async with found.stack:
        yield found


async def test_an_operator_takes_a_region_out_and_back(mesh: Mesh) -> None:
    west = await mesh.node("west")
    operator = await mesh.operator()
    await operator.call(TAKE_OUT, TakeOut(region="west", forced=False))
    out = set(west.watcher.named())
    state = await operator.call(STATE, Nothing())
    await operator.call(BRING_BACK, OfRegion(region="west"))

    assert out == {"central", "east"}
    assert [(each.region, each.named, each.out) for each in state.regions if each.out] == [("west", False, True)]
    assert set(west.watcher.named()) == EVERYBODY


async def test_the_last_ready_region_is_not_taken_out_unless_that_is_forced(mesh: Mesh, regions: Regions) -> None:
    regions.kill(CENTRAL, EAST, "2001:db8::3")
    west = await mesh.node("west")
    operator = await mesh.operator()
    with pytest.raises(Conflict, match="no region but west is ready"):
        await operator.call(TAKE_OUT, TakeOut(region="west", forced=False))
    await operator.call(TAKE_OUT, TakeOut(region="west", forced=True))

    assert west.decisions.out() == ["west"]
    assert set(west.watcher.named()) == {"west"}  # somebody must be named


async def test_a_region_that_does_not_exist_is_not_found(mesh: Mesh) -> None:
    await mesh.node("west")
    operator = await mesh.operator()
    with pytest.raises(NotFound, match="no region north; there are west, central, east"):
        await operator.call(TAKE_OUT, TakeOut(region="north", forced=False))


async def test_a_watcher_that_was_away_hears_what_was_decided(mesh: Mesh, clock: FakeClock) -> None:
    west = await mesh.node("west")
    operator = await mesh.operator()
    await operator.call(TAKE_OUT, TakeOut(region="west", forced=False))
    telling_on = telling(west.broker, west.decisions, clock, Random(1))
    await telling_on.start()
    east = await mesh.node("east")
    await west.broker.wait_for("names", deadline_seconds=5)
    await clock.advance(6)
    await eventually(lambda: set(east.watcher.named()) == {"central", "east"})
    await telling_on.stop()


async def test_what_gateways_measured_reaches_the_name_server(mesh: Mesh, clock: FakeClock, tmp_path: Path) -> None:
    west = await mesh.node("west")
    file = NearestFile(west.nearest, tmp_path, clock)
    empty = file.version
    measured = [RoundTrip(network="192.0.2.0", seconds=0.02, count=9)]
    await west.broker.broadcast(ROUND_TRIPS, RoundTrips(region="east", measured=measured))
    await settled()
    await clock.advance(1)
    await file.write()

    assert file.version != empty
    assert '["192.0.2.0"]=1' in (tmp_path / "nearest.lua").read_text()
    assert NearestFile(later := Nearest(EVERYBODY), tmp_path, clock).version
    assert later.orders(clock.now()) == west.nearest.orders(clock.now())
