"""The outages that are drilled: what is done to whom, for how long, and what it may cost."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lab import galera, regrouping, up
from lab.command import run
from lab.laboratory import executable
from lab.programs import DATABASE, HUB
from lab.readiness import wait_until
from lab.regions import Region
from lab.trial import Trial
from tests.drills.outage import doors as writing_doors
from tests.drills.outage import goals
from tests.drills.outage.goals import Goal
from tests.drills.outage.scene import Scene

HOLD_SECONDS = 20.0
"""Longer than any resolver leads users to a region that is not named any more."""
LOSS = 0.05
STATE = "LOCALGROUP_STATE"
OPERATOR_SECONDS = 300.0
COME_SECONDS = 60.0
"""Until users are led to a region that nobody knew."""

Strike = Callable[[Scene, Region], None]


@dataclass(frozen=True)
class Outage:
    """`dead`: which regions can serve nobody meanwhile, of the one that was struck and the others. `leaves`: names are
    meant to lead elsewhere than to the one that was struck."""

    name: str
    title: str
    strike: Strike
    goal: Goal
    heal: Strike | None = None
    """Before everything is healed that can be."""
    hold_seconds: float = HOLD_SECONDS
    dead: Callable[[Region, Sequence[Region]], Sequence[Region]] = lambda region, regions: ()
    leaves: bool = False

    def missed(self, lived: goals.Lived) -> list[str]:
        return [*goals.kept(lived), *self.goal(lived), *goals.believable(lived)]


def itself(region: Region, regions: Sequence[Region]) -> Sequence[Region]:
    return (region,)


def two(region: Region, regions: Sequence[Region]) -> Sequence[Region]:
    """The one that was struck and the one after it."""
    following = regions[(regions.index(region) + 1) % len(regions)]
    return (region, following)


def every(region: Region, regions: Sequence[Region]) -> Sequence[Region]:
    return regions


def kill(scene: Scene, *regions: Region) -> None:
    """As a power failure."""
    for region in regions:
        scene.doors[region.name].end(signal.SIGKILL)
    scene.trial.faults.kill_for_good(*(region.name for region in regions))


def kill_region(scene: Scene, region: Region) -> None:
    kill(scene, region)


def kill_two(scene: Scene, region: Region) -> None:
    kill(scene, *two(region, scene.regions))


def kill_all(scene: Scene, region: Region) -> None:
    kill(scene, *scene.regions)


def cut_region(scene: Scene, region: Region) -> None:
    scene.trial.links.cut_off(region.name)


def cut_one_way(scene: Scene, region: Region) -> None:
    """It hears everybody, and nobody hears it."""
    for site in scene.trial.links.sites:
        if site != region.name:
            scene.trial.links.cut_one_way(region.name, site)


def pause_region(scene: Scene, region: Region) -> None:
    scene.trial.faults.pause(region.name)
    scene.doors[region.name].send(signal.SIGSTOP)


def resume_region(scene: Scene, region: Region) -> None:
    scene.trial.faults.resume(region.name)
    scene.doors[region.name].send(signal.SIGCONT)


def kill_part(server: str) -> Strike:
    return lambda scene, region: scene.trial.faults.kill_for_good(region.node(server))


def stop_all_sql(scene: Scene, region: Region) -> None:
    scene.trial.faults.kill_for_good(*scene.trial.programs(DATABASE))


def lose_packets(scene: Scene, region: Region) -> None:
    _set_loss(scene, LOSS)


def lose_none(scene: Scene, region: Region) -> None:
    _set_loss(scene, 0.0)


def _set_loss(scene: Scene, share: float) -> None:
    sites = scene.trial.links.sites
    for number, here in enumerate(sites):
        for there in sites[number + 1 :]:
            scene.trial.links.change(here, there, loss=share)


def restart_everything(scene: Scene, region: Region) -> None:
    """Tiers, hubs and databases, one after another, as for an upgrade."""
    for server in ("whirlpool", "messier", "andromeda", HUB, DATABASE):
        scene.trial.restart(*scene.trial.programs(server))


def evacuate(scene: Scene, region: Region) -> None:
    mesh(scene, "evacuate", region.name)


def bring_back(scene: Scene, region: Region) -> None:
    mesh(scene, "return", region.name)


def take_down(scene: Scene, region: Region) -> None:
    """It leaves for good, in order, and nothing of its data is left."""
    evacuate(scene, region)
    scene.doors[region.name].end()
    scene.trial.stop(*(region.node(server) for server in regrouping.LEAVING))
    data = galera.data_folder(scene.trial.laboratory.member(region))
    shutil.rmtree(data)
    data.mkdir()
    galera.give(data)


def put_up(scene: Scene, region: Region) -> None:
    """One with empty disks joins in its place: it is sent everything, then names lead to it."""
    up.run_again(scene.trial.laboratory)
    scene.doors[region.name].start()
    bring_back(scene, region)


def join(scene: Scene, region: Region) -> None:
    """A fourth one, whatever was struck."""
    laboratory = regrouping.admit(scene.trial.laboratory, scene.fourth)
    scene.trial = Trial(laboratory)
    door = scene.doors[scene.fourth.name] = writing_doors.door(scene.trial, scene.fourth)
    door.start()
    writing_doors.wait_serving([door])
    regrouping.declare(laboratory, scene.fourth)


def leave(scene: Scene, region: Region) -> None:
    wait_until(lambda: None if scene.serves(scene.fourth) else "nobody came", deadline_seconds=COME_SECONDS)
    evacuate(scene, scene.fourth)
    scene.doors.pop(scene.fourth.name).end()
    scene.trial = Trial(regrouping.dismiss(scene.trial.laboratory, scene.fourth))


def mesh(scene: Scene, *command: str) -> None:
    """As an operator."""
    laboratory = scene.trial.laboratory
    run(
        [executable("mesh"), *command],
        log=laboratory.logs / "mesh.log",
        timeout_seconds=OPERATOR_SECONDS,
        environment={STATE: str(laboratory.state)},
    )


LOSING = "packet-loss"
OUTAGES: Sequence[Outage] = (
    Outage("region-killed", "a region is killed", kill_region, goals.region_gone, dead=itself),
    Outage("region-cut", "a region is cut off", cut_region, goals.region_gone, dead=itself),
    Outage("region-cut-one-way", "a region hears, and is not heard", cut_one_way, goals.region_gone, dead=itself),
    Outage("region-paused", "a region is paused", pause_region, goals.region_gone, resume_region, dead=itself),
    Outage("database-gone", "only its database is gone", kill_part(DATABASE), goals.safe_unnoticed),
    Outage("hub-gone", "only its hub is gone", kill_part(HUB), goals.safe_unnoticed),
    Outage("messier-gone", "only its messier is gone", kill_part("messier"), goals.safe_unnoticed),
    Outage("two-regions-killed", "two of three regions are killed", kill_two, goals.majority_gone, dead=two),
    Outage("power-cycle", "all regions lose power", kill_all, goals.power_gone, hold_seconds=5.0, dead=every),
    Outage("all-sql-stopped", "all SQL is gone", stop_all_sql, goals.cached_unnoticed),
    Outage("rolling-restart", "all restart in turn", restart_everything, goals.unnoticed, hold_seconds=0.0),
    Outage("evacuation", "a region is evacuated and returns", evacuate, goals.unnoticed, bring_back, 5.0, leaves=True),
    Outage("region-joins", "a region leaves, an empty one joins", take_down, goals.unnoticed, put_up, 5.0, leaves=True),
    Outage("fourth-region", "a fourth region joins and leaves", join, goals.unnoticed, leave, 20.0),
    Outage(LOSING, "5% of packets are lost", lose_packets, goals.steady, lose_none),
)  # fmt: skip
