"""What a user does, against connections that do as they are told, at a clock of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

import pytest

from lab.users.connection import Answer, Failed
from lab.users.opening import KnownAddresses
from lab.users.plan import Group
from lab.users.record import REFUSED, RESET, SILENT, Kind, Try
from lab.users.user import User

FINE = Answer(200, stale=False)
SICK = Answer(503, stale=False)


@dataclass
class Told:
    """A connection that answers what stands in `says`, in turn; then it is fine."""

    address: str
    says: list[Answer | Failed]
    usable: bool = True
    kept_until: float = 0.0

    async def ask(self, request: bytes, seconds: float, *, begun_in_seconds: float | None = None) -> Answer:
        said = self.says.pop(0) if self.says else FINE
        if isinstance(said, Failed):
            self.usable = False
            raise said
        return said

    def close(self) -> None:
        self.usable = False


@dataclass
class World:
    """`at`: what a connection to that address says; an address that is `refused` takes none."""

    addresses: Sequence[str] = ("a", "b")
    at: dict[str, list[Answer | Failed]] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    now: float = 0.0
    opened: list[str] = field(default_factory=list)
    tries: list[Try] = field(default_factory=list)

    async def connect(self, address: str, port: int, seconds: float) -> Told:
        self.opened.append(address)
        if address in self.refused:
            raise Failed(REFUSED)
        return Told(address, self.at.setdefault(address, []))

    def user(self, kind: Kind) -> User:
        group = Group(name="some", kind=kind, port=80, paths=("/",), per_second=1, users=1)
        return User(group, KnownAddresses(self.addresses), self.connect, lambda: self.now, Random(1), 10.0)

    async def asked(self, user: User) -> Answer:
        self.tries.clear()
        return await user.ask(b"", self.tries)

    @property
    def tried(self) -> list[str]:
        return [each.address for each in self.tries]


@pytest.mark.parametrize("kind", ["browser", "plain"])
async def test_a_connection_is_kept_for_the_next_request(kind: Kind) -> None:
    world = World()
    user = world.user(kind)
    await world.asked(user)
    await world.asked(user)
    assert world.opened == ["a"]


@pytest.mark.parametrize("kind", ["browser", "plain"])
async def test_after_a_visit_the_name_is_looked_up_again(kind: Kind) -> None:
    world = World()
    user = world.user(kind)
    await world.asked(user)
    world.now, world.addresses = 60.0, ("b",)
    user.resolver = KnownAddresses(world.addresses)
    await world.asked(user)
    assert world.opened == ["a", "b"]


async def test_a_browser_goes_on_to_the_next_address_when_one_refuses() -> None:
    world = World(refused={"a"})
    assert await world.asked(world.user("browser")) == FINE
    assert world.tried == ["a", "b"]


async def test_a_plain_client_does_not() -> None:
    world = World(refused={"a"})
    with pytest.raises(Failed, match=REFUSED):
        await world.asked(world.user("plain"))
    assert world.tried == ["a"]


async def test_a_browser_asks_elsewhere_when_no_answer_comes() -> None:
    world = World(at={"a": [Failed(SILENT)]})
    assert await world.asked(world.user("browser")) == FINE
    assert world.tried == ["a", "b"]


async def test_a_browser_asks_once_more_there_when_a_kept_connection_ended_without_a_word() -> None:
    world = World(at={"a": [FINE, Failed(RESET)]})
    user = world.user("browser")
    await world.asked(user)
    assert await world.asked(user) == FINE
    assert world.tried == ["a", "a"]


async def test_a_browser_does_not_ask_again_when_a_part_of_the_answer_had_come() -> None:
    world = World(at={"a": [Failed(RESET, begun=True)]})
    with pytest.raises(Failed, match=RESET):
        await world.asked(world.user("browser"))


async def test_a_plain_client_has_one_try_on_a_kept_connection_too() -> None:
    world = World(at={"a": [FINE, Failed(RESET)]})
    user = world.user("plain")
    await world.asked(user)
    with pytest.raises(Failed, match=RESET):
        await world.asked(user)


@pytest.mark.parametrize("kind", ["browser", "plain"])
async def test_nobody_asks_elsewhere_because_of_an_error_that_was_answered(kind: Kind) -> None:
    world = World(at={"a": [SICK]})
    assert await world.asked(world.user(kind)) == SICK
    assert world.tried == ["a"]


async def test_a_browser_asks_elsewhere_once_because_nobody_answers() -> None:
    world = World(at={"a": [Failed(SILENT)] * 9, "b": [Failed(SILENT)] * 9})
    with pytest.raises(Failed, match=SILENT):
        await world.asked(world.user("browser"))
    assert world.tried == ["a", "b"]


async def test_a_browser_gives_up_after_so_many_tries() -> None:
    world = World(at={"a": [Failed(RESET)] * 9, "b": [Failed(RESET)] * 9})
    with pytest.raises(Failed, match=RESET):
        await world.asked(world.user("browser"))
    assert world.tried == ["a", "b", "a", "b"]
