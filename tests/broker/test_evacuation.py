"""A region leaves service step by step, each waiting for the one before it; and comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from typing import ClassVar

import pytest

from broker import Broker, BrokerConfig, Context, Service, action
from broker.evacuation import Evacuation, Say
from broker.orders import OPEN, SHUT
from broker.testing import FakeClock, MemoryNetwork
from schema.action import Nothing
from schema.errors import Conflict, MeshError, NotFound, TimedOut
from schema.names import BRING_BACK, STATE, TAKE_OUT, NamesState, OfRegion, RegionNamed, TakeOut
from tests.contract.greetings import GREET, Greet, Greetings

PATIENCE_SECONDS = 60.0
TTL_SECONDS = 10


@dataclass
class Country:
    """Two regions as watchers see them, and everything that happened, in order."""

    ready: set[str] = field(default_factory=lambda: {"west", "east"})
    out: set[str] = field(default_factory=set)
    happened: list[str] = field(default_factory=list)
    users_left: asyncio.Event = field(default_factory=asyncio.Event)

    def state(self) -> NamesState:
        regions = [
            RegionNamed(
                region=name,
                named=name not in self.out,
                ready=name in self.ready,
                out=name in self.out,
                problem=None if name in self.ready else "away",
            )
            for name in ("west", "east")
        ]
        return NamesState(ttl_seconds=TTL_SECONDS, regions=regions)

    async def shut(self) -> None:
        self.happened.append("shut")
        await self.users_left.wait()
        self.ready.discard("west")

    async def open(self) -> None:
        self.happened.append("open")
        self.ready.add("west")


class Watcher(Service):
    name: ClassVar[str] = "names"

    def __init__(self, country: Country) -> None:
        self._country = country

    @action(STATE)
    async def state(self, context: Context, request: Nothing) -> NamesState:
        return self._country.state()

    @action(TAKE_OUT)
    async def take_out(self, context: Context, request: TakeOut) -> NamesState:
        self._country.happened.append("out")
        self._country.out.add(request.region)
        return self._country.state()

    @action(BRING_BACK)
    async def bring_back(self, context: Context, request: OfRegion) -> NamesState:
        self._country.happened.append("back")
        self._country.out.discard(request.region)
        return self._country.state()


@dataclass
class Mesh:
    country: Country
    operator: Broker
    user: Broker
    clock: FakeClock
    shown: list[str] = field(default_factory=list)

    def evacuation(self, region: str = "west") -> Evacuation:
        return Evacuation(self.operator, region, self.clock, self.step, patience_seconds=PATIENCE_SECONDS)

    @contextmanager
    def step(self, title: str) -> Iterator[Say]:
        self.shown.append(title)
        yield self.shown.append

    async def served_by(self) -> str:
        return (await self.user.call(GREET, Greet(name="Ada"))).node

    async def within(self, work: asyncio.Future[None], seconds: float) -> bool:
        """Whether it is done when this much time has passed."""
        for _ in range(int(seconds * 10)):
            await self.clock.advance(0.1)
        return work.done()


@pytest.fixture
async def mesh() -> AsyncIterator[Mesh]:
    network, country, clock = MemoryNetwork(), Country(), FakeClock()
    async with AsyncExitStack() as stack:

        async def node(name: str, region: str, *services: Service) -> Broker:
            broker = Broker(BrokerConfig(region=region, node=name, strategy="local-first"), network.transport())
            for service in services:
                broker.add(service)
            if name.startswith("andromeda-west"):
                broker.on_order(SHUT, country.shut)
                broker.on_order(OPEN, country.open)
            return await stack.enter_async_context(broker)

        for region in ("west", "east"):
            await node(f"names-{region}-1", region, Watcher(country))
            await node(f"messier-{region}-1", region, Greetings(f"messier-{region}-1"))
        user = await node("andromeda-west-1", "west")
        operator = await node("mesh.1", "nowhere")
        await operator.wait_for("names", "greetings", deadline_seconds=5)
        yield Mesh(country, operator, user, clock)


async def test_names_go_first_then_users_then_nodes(mesh: Mesh) -> None:
    work = asyncio.ensure_future(mesh.evacuation().evacuate(forced=False))
    await mesh.within(work, 4)
    named = list(mesh.country.happened)
    await mesh.within(work, TTL_SECONDS)
    shutting, serving = list(mesh.country.happened), await mesh.served_by()
    mesh.country.users_left.set()
    done = await mesh.within(work, 2)

    assert named == ["out", "out"]  # each watcher, and answers are remembered for a while
    assert shutting == ["out", "out", "shut"]
    assert serving == "messier-west-1"
    assert done
    assert await mesh.served_by() == "messier-east-1"


async def test_it_may_be_done_again(mesh: Mesh) -> None:
    mesh.country.users_left.set()
    for _ in range(2):
        work = asyncio.ensure_future(mesh.evacuation().evacuate(forced=False))
        assert await mesh.within(work, 30)
        work.result()


async def test_the_last_ready_region_stays_unless_that_is_forced(mesh: Mesh) -> None:
    mesh.country.ready.discard("east")
    mesh.country.users_left.set()
    refused = asyncio.ensure_future(mesh.evacuation().evacuate(forced=False))
    await mesh.within(refused, 4)
    untouched = not mesh.country.happened
    forced = asyncio.ensure_future(mesh.evacuation().evacuate(forced=True))

    assert isinstance(refused.exception(), Conflict)
    assert untouched
    assert await mesh.within(forced, 30)
    assert mesh.country.out == {"west"}


async def test_users_who_do_not_leave_in_time_are_not_cut_off(mesh: Mesh) -> None:
    evacuation = Evacuation(mesh.operator, "west", mesh.clock, mesh.step, patience_seconds=0.3)  # of real time
    work = asyncio.ensure_future(evacuation.evacuate(forced=False))
    await mesh.within(work, 3 + TTL_SECONDS)

    with pytest.raises(TimedOut, match="andromeda-west-1"):
        await work
    assert mesh.country.happened == ["out", "out", "shut"]
    assert await mesh.served_by() == "messier-west-1"


async def test_comes_back_when_every_watcher_finds_it_ready(mesh: Mesh) -> None:
    mesh.country.users_left.set()
    work = asyncio.ensure_future(mesh.evacuation().evacuate(forced=False))
    await mesh.within(work, 30)
    mesh.country.happened.clear()
    back = asyncio.ensure_future(mesh.evacuation().bring_back())

    assert await mesh.within(back, 10)
    back.result()
    assert mesh.country.happened == ["open", "back", "back"]
    assert await mesh.served_by() == "messier-west-1"


async def test_a_region_that_does_not_get_ready_is_not_named_and_says_why(mesh: Mesh) -> None:
    async def stay_away() -> None:
        """Open, and still not ready."""

    mesh.user.on_order(OPEN, stay_away)
    mesh.country.ready.discard("west")
    back = asyncio.ensure_future(mesh.evacuation().bring_back())
    await mesh.within(back, PATIENCE_SECONDS + 5)

    assert isinstance(error := back.exception(), TimedOut)
    assert error.message == "west is not ready: away"
    assert "back" not in mesh.country.happened


async def test_a_region_that_nobody_knows_is_not_found(mesh: Mesh) -> None:
    back = asyncio.ensure_future(mesh.evacuation("north").bring_back())
    await mesh.within(back, 5)

    assert isinstance(error := back.exception(), NotFound)
    assert isinstance(error, MeshError)
    assert "no node of north" in error.message
