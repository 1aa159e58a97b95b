"""A node that is told to do wrong does so, and only then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import ClassVar

import pytest

from broker import Broker, Context, Service, action
from broker.config import BrokerConfig
from broker.environment import read_environment
from broker.injected_faults import NONE, FaultsFile, InjectedFaults, ServiceFaults
from broker.settings import TierSettings
from broker.testing import FakeClock, MemoryNetwork
from schema.action import Action, Message
from schema.errors import Internal, TimedOut, Unavailable


class Say(Message):
    text: str


SAY = Action("echo.say", Say, Say, safe=True)
HELLO = Say(text="hello")
DEADLINE_SECONDS = 1.0


class Echo(Service):
    name: ClassVar[str] = "echo"

    @action(SAY)
    async def say(self, context: Context, request: Say) -> Say:
        return request


class Node:
    """A broker that calls itself, and what its faults are."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.faults = NONE
        self.broker = Broker(
            BrokerConfig(region="west", node="messier-west-1"),
            MemoryNetwork().transport(),
            clock=self.clock,
            middlewares=[InjectedFaults(lambda: self.faults, self.clock)],
        )
        self.broker.add(Echo())

    def say(self) -> Awaitable[Say]:
        return asyncio.ensure_future(self.broker.call(SAY, HELLO, deadline_seconds=DEADLINE_SECONDS))


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    found = Node()
    await found.broker.start()
    yield found
    found.faults = NONE
    await found.broker.stop()


async def test_who_is_told_nothing_answers_as_ever(node: Node) -> None:
    assert await node.say() == HELLO


async def test_slow_work_takes_as_long_as_it_says(node: Node) -> None:
    node.faults = ServiceFaults(work_milliseconds=40)
    answer = asyncio.ensure_future(node.say())

    await node.clock.advance(0.039)
    assert not answer.done()
    await node.clock.advance(0.002)

    assert await answer == HELLO


async def test_no_more_are_worked_on_at_once_than_the_limit(node: Node) -> None:
    node.faults = ServiceFaults(work_milliseconds=100, concurrency=2)
    answers = [asyncio.ensure_future(node.say()) for _ in range(5)]

    done = []
    for _ in range(3):
        await node.clock.advance(0.101)
        done.append(sum(answer.done() for answer in answers))

    assert done == [2, 4, 5]


@pytest.mark.parametrize(("code", "error"), [("internal", Internal), ("unavailable", Unavailable)])
async def test_failing_fast_takes_no_time(node: Node, code: str, error: type[Exception]) -> None:
    node.faults = ServiceFaults(fail=code, work_milliseconds=500)

    with pytest.raises(error):
        await node.say()


async def test_a_black_hole_answers_nothing_until_the_deadline(node: Node) -> None:
    node.faults = ServiceFaults(black_hole=True)
    answer = asyncio.ensure_future(node.say())

    await node.clock.advance(DEADLINE_SECONDS - 0.01)
    assert not answer.done()
    await node.clock.advance(0.02)

    with pytest.raises(TimedOut):
        await answer


class TestTheFile:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "faults.json"

    @pytest.fixture
    def write(self, path: Path) -> Callable[[str], None]:
        def write(text: str) -> None:
            path.with_suffix(".new").write_text(text)
            path.with_suffix(".new").replace(path)

        return write

    def test_no_file_asks_for_nothing(self, path: Path) -> None:
        assert FaultsFile(path).current() == NONE

    def test_what_it_says_is_heard_and_its_end_too(self, path: Path, write: Callable[[str], None]) -> None:
        file = FaultsFile(path)
        write('{"concurrency": 3}')
        assert file.current() == ServiceFaults(concurrency=3)
        write('{"concurrency": 4}')
        assert file.current() == ServiceFaults(concurrency=4)
        path.unlink()
        assert file.current() == NONE

    @pytest.mark.parametrize("text", ["", "{", '{"fail": "nonsense"}', '{"concurrency": 0}', '{"more": 1}'])
    def test_what_is_not_understood_asks_for_nothing(self, path: Path, write: Callable[[str], None], text: str) -> None:
        write(text)

        assert FaultsFile(path).current() == NONE


class TestWhoMayBeTold:
    class Settings(TierSettings):
        tier: ClassVar[str] = "messier"

    def test_nobody_whose_environment_does_not_say_so(self) -> None:
        assert read_environment(self.Settings, {"LOCALGROUP_REGION": "west"}).middlewares(FakeClock()) == ()

    def test_whoever_is_given_a_file(self, tmp_path: Path) -> None:
        told = {"LOCALGROUP_REGION": "west", "LOCALGROUP_INJECTED_FAULTS": str(tmp_path / "faults.json")}

        (found,) = read_environment(self.Settings, told).middlewares(FakeClock())

        assert isinstance(found, InjectedFaults)
