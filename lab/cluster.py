"""Bringing the Galera cluster up from whatever state its members are in, and never beginning it twice.

a member is in a primary component     the others join it
some run, none is primary              they get a while to find each other again, as they do after a crash of all
none runs, or the while is over        all are stopped, the most advanced begins, the others join
no member has any data                 the first region's is created and begins
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from lab import galera, strays
from lab.command import CommandFailed
from lab.down import stop_databases, stop_wave
from lab.laboratory import Laboratory
from lab.member import leave_to_begin
from lab.programs import DATABASE, WATCH, names
from lab.progress import step
from lab.readiness import Objection, first_objection, wait_until
from lab.recovery import HALF_A_COPY, Position, most_advanced, position
from lab.regions import Region
from lab.supervisor import Supervisor

REUNION_SECONDS = 30
SYNCED_SECONDS = 180
JOINED_SECONDS_A_REGION = 60
"""Each may have to be sent everything, one after another."""


def begin(laboratory: Laboratory, supervisor: Supervisor) -> Region:
    """Starts what does not run; returns the region of a member that serves, the others may still be joining."""
    found = serving(laboratory)
    if found is None:
        stop_wave(supervisor, names(laboratory, [WATCH]))  # one decides at a time
        for region in laboratory.regions:  # leave that an interrupted start did not use is taken back
            leave_to_begin(laboratory.member(region)).unlink(missing_ok=True)
        found = reunited(laboratory, supervisor) if running(laboratory, supervisor) else None
        found = found or begin_anew(laboratory, supervisor)
    supervisor.start(names(laboratory, [DATABASE, WATCH]))
    return found


def running(laboratory: Laboratory, supervisor: Supervisor) -> bool:
    processes = supervisor.processes()
    return any(processes[name].active for name in names(laboratory, [DATABASE]))


def any_running(laboratory: Laboratory) -> bool:
    """Whoever supervises it."""
    supervisor = Supervisor(laboratory)
    return running(laboratory, supervisor) if supervisor.answers() else bool(strays.strays(laboratory))


def serving(laboratory: Laboratory) -> Region | None:
    folders = {region: laboratory.member(region) for region in laboratory.regions}
    return next((region for region, folder in folders.items() if galera.why_not_synced(folder) is None), None)


def reunited(laboratory: Laboratory, supervisor: Supervisor) -> Region | None:
    supervisor.start(names(laboratory, [DATABASE]))
    try:
        with step("waiting for the databases to find each other"):
            wait_until(
                lambda: None if serving(laboratory) else "no member is primary", deadline_seconds=REUNION_SECONDS
            )
    except TimeoutError:
        stop_databases(laboratory, supervisor)
        return None
    return serving(laboratory)


def begin_anew(laboratory: Laboratory, supervisor: Supervisor) -> Region:
    """Only while no member runs."""
    region = first_to_start(laboratory)
    leave_to_begin(laboratory.member(region)).touch()
    with step(f"starting the first database, in {region.name}"):
        supervisor.start([region.node(DATABASE)])
        wait_until(objection(laboratory, supervisor, region), deadline_seconds=SYNCED_SECONDS)
    return region


def positions(laboratory: Laboratory) -> dict[str, Position]:
    """How far each region's member came. Only while none of them runs."""
    with ThreadPoolExecutor(len(laboratory.regions)) as pool:
        found = pool.map(position, map(laboratory.member, laboratory.regions))
        return {region.name: at for region, at in zip(laboratory.regions, found, strict=True)}


def first_to_start(laboratory: Laboratory) -> Region:
    found = positions(laboratory)
    chosen = most_advanced(found)
    if chosen is not None:
        return laboratory.region(chosen)
    if half := [name for name, at in found.items() if at == HALF_A_COPY]:
        raise CommandFailed(f"nobody has a whole database: {', '.join(half)} has half a copy of one; restore a backup")
    first = laboratory.regions[0]
    with step("creating the first database"):
        galera.create_data(laboratory.member(first), laboratory.logs / "install-db.log")
    return first


def objection(laboratory: Laboratory, supervisor: Supervisor, region: Region) -> Objection:
    folder, name = laboratory.member(region), region.node(DATABASE)

    def why_not() -> str | None:
        why = galera.why_not_synced(folder)
        if why:
            supervisor.require_alive(name)
        return why and f"{name} {why}"

    return why_not


def wait_synced(laboratory: Laboratory, supervisor: Supervisor) -> None:
    """All of them."""
    questions = [objection(laboratory, supervisor, region) for region in laboratory.regions]
    deadline_seconds = JOINED_SECONDS_A_REGION * len(laboratory.regions)
    wait_until(lambda: first_objection(questions), deadline_seconds=deadline_seconds)
