"""Bringing the Galera cluster up from whatever state its members are in, and never beginning it twice.

a member is in a primary component     the others join it
some run, none is primary              they get a while to find each other again, as they do after a crash of all
none runs, or the while is over        all are stopped, the most advanced begins, the others join
no member has any data                 the first region's is created and begins
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from lab import galera
from lab.down import stop_databases
from lab.laboratory import Laboratory
from lab.member import leave_to_begin
from lab.programs import DATABASE, names
from lab.progress import step
from lab.readiness import Objection, first_objection, wait_until
from lab.recovery import most_advanced, position
from lab.regions import Region
from lab.supervisor import Supervisor

REUNION_SECONDS = 30
SYNCED_SECONDS = 180


def begin(laboratory: Laboratory, supervisor: Supervisor) -> Region:
    """Starts what does not run; returns the region of a member that serves, the others may still be joining."""
    found = reunited(laboratory, supervisor) if running(laboratory, supervisor) else None
    found = found or begin_anew(laboratory, supervisor)
    supervisor.start(names(laboratory, [DATABASE]))
    return found


def running(laboratory: Laboratory, supervisor: Supervisor) -> bool:
    processes = supervisor.processes()
    return any(processes[name].active for name in names(laboratory, [DATABASE]))


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
    """Only while no member runs. Leave that an interrupted start did not use is taken back."""
    region = first_to_start(laboratory)
    for other in laboratory.regions:
        leave_to_begin(laboratory.member(other)).unlink(missing_ok=True)
    leave_to_begin(laboratory.member(region)).touch()
    with step(f"starting the first database, in {region.name}"):
        supervisor.start([region.node(DATABASE)])
        wait_until(objection(laboratory, supervisor, region), deadline_seconds=SYNCED_SECONDS)
    return region


def first_to_start(laboratory: Laboratory) -> Region:
    with ThreadPoolExecutor(len(laboratory.regions)) as pool:
        found = list(pool.map(position, map(laboratory.member, laboratory.regions)))
    chosen = most_advanced({region.name: at for region, at in zip(laboratory.regions, found, strict=True)})
    if chosen is not None:
        return laboratory.region(chosen)
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
    wait_until(lambda: first_objection(questions), deadline_seconds=SYNCED_SECONDS)
