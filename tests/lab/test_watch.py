"""Watches among themselves, on a clock that the tests move, with members that are simulated down to one rule of
Galera's: who is told to begin has a quorum, and who joins has one if another of its cluster has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.testing import FakeClock
from lab.galera import DISCONNECTED, PRIMARY, SILENT
from lab.recovery import Position
from lab.reunion import LEFT_SECONDS, QUIET_SECONDS, STILL_SECONDS_MAX, Said, State
from lab.watch import ROUND_SECONDS, SILENT_SECONDS_MAX, Watch, decode, encode

HISTORY = "c9f4b0f1-e5f7-11f1-8b4a-afc6ba7f4c78"
OTHER = "0b2c4b5a-e5f8-11f1-93f4-1f0e7bd1d5e0"
ROUNDS = 80


@dataclass
class Cluster:
    members: dict[str, SimulatedMember] = field(default_factory=dict)
    begun: list[str] = field(default_factory=list)
    cut_off: set[str] = field(default_factory=set)

    def reaches(self, here: str, there: str) -> bool:
        return here == there or not {here, there} & self.cut_off


@dataclass
class SimulatedMember:
    cluster: Cluster
    name: str
    position: Position
    running: bool = True
    began: bool = False
    marked: bool = False
    mute: bool = False
    left: bool = False
    unreadable: bool = False

    def status(self) -> str | None:
        if self.mute:
            return None
        if not self.running:
            return SILENT
        if self.left:
            return DISCONNECTED
        return PRIMARY if self.serves() else "non-Primary"

    def serves(self) -> bool:
        return (
            self.running
            and not self.left
            and any(
                each.running and each.began and self.cluster.reaches(self.name, each.name)
                for each in self.cluster.members.values()
            )
        )

    def runs(self) -> bool:
        return self.running

    def was_stopped(self) -> bool:
        return self.marked

    def stop(self) -> Position:
        self.running, self.began, self.marked = False, False, True
        if self.unreadable:
            raise OSError("its position cannot be found out")
        return self.position

    def start(self, *, begin: bool) -> None:
        assert not self.running
        if begin:
            others = [each for each in self.cluster.members.values() if each is not self]
            assert not any(each.running for each in others), "two could have a quorum"
            self.cluster.begun.append(self.name)
        self.running, self.began, self.marked, self.left = True, begin, False, False

    def restart(self) -> None:
        self.left = False


@dataclass
class World:
    clock: FakeClock
    cluster: Cluster
    watches: dict[str, Watch]

    async def pass_rounds(self, count: int = ROUNDS, silent: frozenset[str] = frozenset()) -> None:
        for _ in range(count):
            for name, watch in self.watches.items():
                if name not in silent:
                    await watch.round()
            await self.clock.advance(ROUND_SECONDS)

    def serving(self) -> set[str]:
        return {name for name, member in self.cluster.members.items() if member.serves()}


def world(**seqnos: int) -> World:
    """Of members that run and have no quorum."""
    clock, cluster, watches = FakeClock(), Cluster(), dict[str, Watch]()

    def watch(name: str) -> Watch:
        async def ask() -> Mapping[str, Said | None]:
            return {
                other: each.said if cluster.reaches(name, other) else None
                for other, each in watches.items()
                if other != name
            }

        return Watch(name, cluster.members[name], ask, clock.now)

    for name, seqno in seqnos.items():
        cluster.members[name] = SimulatedMember(cluster, name, Position(HISTORY, seqno))
        watches[name] = watch(name)
    return World(clock, cluster, watches)


async def test_members_that_were_all_killed_are_one_cluster_again() -> None:
    regions = world(west=40, central=42, east=41)

    await regions.pass_rounds(int(QUIET_SECONDS) + 5)

    assert regions.cluster.begun == ["central"]
    assert regions.serving() == {"west", "central", "east"}


async def test_a_cluster_that_serves_is_left_alone() -> None:
    regions = world(west=40, central=42, east=41)
    regions.cluster.members["east"].began = True

    await regions.pass_rounds()

    assert regions.cluster.begun == []
    assert regions.serving() == {"west", "central", "east"}


async def test_members_that_are_too_busy_to_say_that_they_serve_are_left_alone() -> None:
    regions = world(west=40, central=42, east=41)
    regions.cluster.members["east"].began = True
    await regions.pass_rounds(2)
    for member in regions.cluster.members.values():
        member.mute = True

    await regions.pass_rounds(int(SILENT_SECONDS_MAX))

    assert all(member.running for member in regions.cluster.members.values())


async def test_a_member_that_left_a_cluster_which_goes_on_joins_it_again() -> None:
    regions = world(west=40, central=42, east=41)
    regions.cluster.members["west"].began = True
    regions.cluster.members["east"].left = True

    await regions.pass_rounds(int(LEFT_SECONDS))
    before = regions.serving()
    await regions.pass_rounds(2)

    assert before == {"west", "central"}
    assert regions.serving() == {"west", "central", "east"}
    assert regions.cluster.begun == []


async def test_nobody_begins_until_the_last_one_is_back() -> None:
    regions = world(west=40, central=42, east=41)
    regions.cluster.cut_off = {"central"}
    await regions.pass_rounds()
    assert (regions.cluster.begun, regions.serving()) == ([], set())

    regions.cluster.cut_off = set()
    await regions.pass_rounds()

    assert regions.cluster.begun == ["central"]
    assert regions.serving() == {"west", "central", "east"}


async def test_one_that_is_cut_off_while_all_stand_still_holds_nobody_up_for_ever() -> None:
    regions = world(west=40, central=42, east=41)
    await regions.pass_rounds(int(QUIET_SECONDS))
    await regions.pass_rounds(2, silent=frozenset({"central", "east"}))
    regions.cluster.cut_off = {"central"}

    await regions.pass_rounds(int(STILL_SECONDS_MAX) + 2)

    assert regions.cluster.begun == []
    assert all(member.running for name, member in regions.cluster.members.items() if name != "central")


async def test_different_histories_are_left_running_for_a_person_to_look_at() -> None:
    regions = world(west=40, central=42, east=41)
    regions.cluster.members["east"].position = Position(OTHER, 3)

    await regions.pass_rounds()

    assert regions.cluster.begun == []
    assert all(member.running for member in regions.cluster.members.values())


async def test_a_watch_that_was_ended_while_its_member_stood_still_starts_it() -> None:
    regions = world(west=40, central=42, east=41)
    member = regions.cluster.members["west"]
    member.stop()

    await regions.watches["west"].start()

    assert member.running


async def test_a_member_that_a_person_starts_is_not_taken_for_one_that_stands_still() -> None:
    regions = world(west=40, central=42, east=41)
    await regions.pass_rounds(int(QUIET_SECONDS))
    await regions.pass_rounds(2, silent=frozenset({"central", "east"}))
    assert not regions.cluster.members["west"].running

    regions.cluster.members["west"].running = True
    await regions.watches["west"].round()

    assert regions.watches["west"].said.state is State.APART


async def test_a_member_whose_position_cannot_be_found_out_is_started_again() -> None:
    regions = world(west=40, central=42, east=41)
    regions.cluster.members["west"].unreadable = True
    await regions.pass_rounds(int(QUIET_SECONDS))

    with pytest.raises(OSError, match="cannot be found out"):
        await regions.pass_rounds(2, silent=frozenset({"central", "east"}))

    assert regions.cluster.members["west"].running


Event = st.tuples(
    st.sampled_from(["west", "central", "east"]), st.sampled_from(["cut", "join", "kill", "leave", "pass", "deaf"])
)


@settings(max_examples=25, deadline=None)
@given(st.lists(Event, max_size=8), st.tuples(*[st.integers(0, 9)] * 3))
async def test_whatever_is_cut_and_killed_nobody_begins_beside_another(
    events: list[tuple[str, str]], seqnos: tuple[int, int, int]
) -> None:
    """`SimulatedMember.start` asserts it; and once all is whole, all serve."""
    regions = world(west=seqnos[0], central=seqnos[1], east=seqnos[2])
    for name, event in events:
        if event == "cut":
            regions.cluster.cut_off.add(name)
        elif event == "join":
            regions.cluster.cut_off.discard(name)
        elif event == "kill":
            regions.cluster.members[name].began = False  # supervision starts it again, and it joins
        elif event == "leave":
            regions.cluster.members[name].left = True
        await regions.pass_rounds(7, silent=frozenset({name}) if event == "deaf" else frozenset())
    regions.cluster.cut_off = set()

    await regions.pass_rounds(2 * ROUNDS)

    assert regions.serving() == {"west", "central", "east"}


@pytest.mark.parametrize("said", [Said(State.APART), Said(State.STILL, Position(HISTORY, 7, safe=True))])
def test_what_is_said_is_what_is_heard(said: Said) -> None:
    assert decode(encode(said)) == said
