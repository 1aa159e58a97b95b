"""What only a person can decide, because a cluster cannot know it: that others are gone for good, or which data counts.

Deciding wrongly makes two clusters, or drops what the others had. So each of these refuses whatever is known to be
wrong, and says what it is about to rely on.
"""

from __future__ import annotations

from pathlib import Path

from lab import galera
from lab.down import stop_databases, stop_tiers
from lab.laboratory import Laboratory
from lab.progress import step
from lab.readiness import wait_until
from lab.regions import Region
from lab.set_aside import set_aside
from lab.supervisor import Supervisor

PROMOTED_SECONDS = 30
PROMOTE = "SET GLOBAL wsrep_provider_options = 'pc.bootstrap=YES'"


class BadDecision(Exception):
    """What was asked for would make two clusters, or lose what need not be lost."""


def promote(laboratory: Laboratory, region: Region) -> None:
    """The survivor of a cluster that lost its majority goes on by itself. Relies on the others not doing the same."""
    members = {each.name: galera.status(laboratory.member(each)) for each in laboratory.regions}
    primary = [name for name, said in members.items() if said.get("cluster_status") == "Primary"]
    if primary:
        raise BadDecision(f"{', '.join(primary)} has a majority and serves: {region.name} joins it when it can")
    if not members[region.name]:
        raise BadDecision(f"the database of {region.name} does not answer; `make recover` starts what does not run")
    folder = laboratory.member(region)
    with step(f"letting {region.name} go on alone"):
        galera.ask(folder, PROMOTE)
        wait_until(lambda: galera.why_not_synced(folder), deadline_seconds=PROMOTED_SECONDS)


def rely_on(laboratory: Laboratory, region: Region, now_seconds: float) -> Path | None:
    """Stops everything and moves the other members' data aside, so that the cluster begins from this one."""
    if not galera.has_data(laboratory.member(region)):
        raise BadDecision(f"{region.name} has no data to begin from")
    supervisor = Supervisor(laboratory)
    if supervisor.answers():
        with step("stopping the tiers and the databases"):
            stop_tiers(laboratory, supervisor)
            stop_databases(laboratory, supervisor)
    others = [laboratory.member(each) for each in laboratory.regions if each != region]
    moved = set_aside(laboratory, others, now_seconds)
    galera.write_configuration(laboratory)
    return moved
