"""What is done to the regions while clients write: a seeded deck of faults, each healed before the next one.

All of them are dealt once before any comes again, so that a drill which is long enough has seen each, whatever its
seed. Links are cut where there are any: regions that differ by their address only have none.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

from lab import cluster, up
from lab.programs import DATABASE, HUB, WATCH
from lab.readiness import NotReady, first_objection, wait_until
from lab.regions import Region
from lab.supervisor import Supervisor
from lab.trial import Trial
from tests.drills.beside import Beside

SHORT_PAUSE_SECONDS, LONG_PAUSE_SECONDS = 1.5, 6.0
"""Below and above the time after which a member that says nothing is taken for dead."""
SHORT_CUT_SECONDS, LONG_CUT_SECONDS = 2.0, 12.0
"""Below the time after which a member is expelled, and above the time after which the whole cluster has settled it."""
REUNION_SECONDS = 120
"""What is promised after all regions lost their power."""
MINUTE_SECONDS = 60.0
GONE_SECONDS = 10


@dataclass(frozen=True)
class Surroundings:
    trial: Trial
    stores: dict[str, Beside]

    def member(self, region: Region) -> str:
        return region.node(DATABASE)

    def faults(self) -> Sequence[Fault]:
        return (*FAULTS, *CUTS) if self.trial.laboratory.wan else FAULTS

    def others(self, region: Region) -> list[Region]:
        return [other for other in self.trial.regions if other != region]

    def kill(self, *programs: str) -> None:
        """Returns when they are gone; supervision starts them again."""
        before = {name: self.process_id(name) for name in programs}
        self.trial.kill(*programs)
        wait_until(lambda: self._left(before), deadline_seconds=GONE_SECONDS)

    def process_id(self, program: str) -> int:
        """Of one that runs; waits for one that is just being started again."""
        wait_until(
            lambda: None if self.trial.process_id(program) else f"{program} does not run", deadline_seconds=GONE_SECONDS
        )
        return self.trial.process_id(program)

    def _left(self, before: dict[str, int]) -> str | None:
        left = [name for name, process_id in before.items() if self.trial.process_id(name) == process_id]
        return f"{', '.join(left)} still there" if left else None


Fault: TypeAlias = Callable[[Surroundings, Region], None]
"""Done to a region, or to all. What supervision does not start again, it starts again itself."""


def kill_member(around: Surroundings, region: Region) -> None:
    around.kill(around.member(region))


def kill_all_members(around: Surroundings, region: Region) -> None:
    """And their watches, as when all regions lose their power."""
    around.kill(*around.trial.programs(DATABASE, WATCH))


def pause_member_briefly(around: Surroundings, region: Region) -> None:
    _pause(around, region, SHORT_PAUSE_SECONDS)


def pause_member_until_it_is_expelled(around: Surroundings, region: Region) -> None:
    _pause(around, region, LONG_PAUSE_SECONDS)


def kill_store(around: Surroundings, region: Region) -> None:
    """In the middle of commits: some clients will never hear of theirs."""
    around.stores[region.name].end(signal.SIGKILL)
    around.stores[region.name].start()


def restart_store(around: Surroundings, region: Region) -> None:
    around.stores[region.name].end()
    around.stores[region.name].start()


def kill_region(around: Surroundings, region: Region) -> None:
    """Its store, its database with its watch, and its hub, at once."""
    around.stores[region.name].end(signal.SIGKILL)
    around.kill(around.member(region), region.node(WATCH), region.node(HUB))
    around.stores[region.name].start()


def _pause(around: Surroundings, region: Region, seconds: float) -> None:
    process_id = around.process_id(around.member(region))
    os.kill(process_id, signal.SIGSTOP)
    time.sleep(seconds)
    os.kill(process_id, signal.SIGCONT)


def cut_region_off_briefly(around: Surroundings, region: Region) -> None:
    _cut_off(around, region, SHORT_CUT_SECONDS)


def cut_region_off(around: Surroundings, region: Region) -> None:
    _cut_off(around, region, LONG_CUT_SECONDS)


def _cut_off(around: Surroundings, region: Region, seconds: float) -> None:
    around.trial.links.cut_off(region.name)
    time.sleep(seconds)
    around.trial.links.rejoin(region.name)


def silence_region(around: Surroundings, region: Region) -> None:
    """It hears the others, and they do not hear it."""
    _cut_one_way(around, [(region, other) for other in around.others(region)])


def deafen_region(around: Surroundings, region: Region) -> None:
    """The others hear it, and it does not hear them."""
    _cut_one_way(around, [(other, region) for other in around.others(region)])


def _cut_one_way(around: Surroundings, ways: Sequence[tuple[Region, Region]]) -> None:
    for source, target in ways:
        around.trial.links.cut_one_way(source.name, target.name)
    time.sleep(LONG_CUT_SECONDS)
    around.trial.links.heal_all()


def cut_link(around: Surroundings, region: Region) -> None:
    """Between two regions, both of which still reach the third."""
    other = around.others(region)[0]
    around.trial.links.cut(region.name, other.name)
    time.sleep(LONG_CUT_SECONDS)
    around.trial.links.heal_all()


FAULTS: Sequence[Fault] = (
    kill_member,
    kill_store,
    pause_member_briefly,
    kill_all_members,
    restart_store,
    pause_member_until_it_is_expelled,
    kill_region,
)
CUTS: Sequence[Fault] = (cut_region_off, silence_region, cut_region_off_briefly, deafen_region, cut_link)
"""Where regions are apart."""


@dataclass(frozen=True, slots=True)
class Happened:
    """`healed` is when all members were in step and all stores served again."""

    name: str
    region: str
    begun: float
    ended: float
    healed: float
    by_hand: bool
    """The members did not find each other, and were started as `make recover` starts them."""


def deck(random: Random, faults: Sequence[Fault]) -> Iterator[Fault]:
    while True:
        yield from random.sample(faults, len(faults))


def happen(around: Surroundings, random: Random, until: float, per_minute: float) -> Iterator[Happened]:
    """One fault after another, until that time: `per_minute`, or as many as heal. Blocks, so in a thread of its own."""
    due = time.monotonic()
    for fault in deck(random, around.faults()):
        due = max(due + random.uniform(0.5, 1.5) * MINUTE_SECONDS / per_minute, time.monotonic())
        time.sleep(max(0.0, min(due, until) - time.monotonic()))
        if due >= until:
            return
        region = random.choice(around.trial.regions)
        begun = time.monotonic()
        fault(around, region)
        ended = time.monotonic()
        by_hand = heal(around)
        yield Happened(fault.__name__, region.name, begun, ended, time.monotonic(), by_hand)


def heal(around: Surroundings) -> bool:
    """Waits until all members are in step and all stores serve. True if the members had to be helped."""
    laboratory = around.trial.laboratory
    supervisor, helped = Supervisor(laboratory), False
    members = [cluster.objection(laboratory, supervisor, region) for region in laboratory.regions]
    try:
        wait_until(lambda: first_objection(members), deadline_seconds=REUNION_SECONDS)
    except NotReady:
        up.start_servers(laboratory)
        helped = True
    stores = [store.why_not_serving for store in around.stores.values()]
    wait_until(lambda: first_objection(stores), deadline_seconds=REUNION_SECONDS)
    return helped
