"""Restarting what runs, one program after another, so that nobody notices: as for an upgrade.

A hub first sends its clients away and is stopped when they have gone, and so is a gateway where users come by name;
everybody else drains when told to stop. The next one's turn comes when this one is well again.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from lab import down, hubs, named
from lab.laboratory import Laboratory
from lab.programs import HUB, Program, programs
from lab.readiness import NotReady, wait_until
from lab.status import READY, health
from lab.supervisor import Supervisor

LEAVE_SECONDS = 10
"""A client that has not gone by then is one that does not know how to."""
UNNAMED_SECONDS, NAMED_SECONDS = 15, 60
"""Two looks of every watcher; five, after a start that shares the machine with others."""
LATE_SECONDS = 1.0
"""After the TTL, for who looked the name up just before it ended."""
GATEWAY = "andromeda"
WELL_SECONDS = 180
"""A database member may have to be sent everything."""


def restart(laboratory: Laboratory, supervisor: Supervisor, names: Iterable[str]) -> None:
    by_name = {program.name: program for program in programs(laboratory)}
    for name in names:
        restart_one(laboratory, supervisor, by_name[name])


def restart_one(laboratory: Laboratory, supervisor: Supervisor, program: Program) -> None:
    used_by_name = program.server == GATEWAY and laboratory.dns
    if program.server == HUB:
        send_clients_away(supervisor, program)
    elif used_by_name:
        send_users_away(laboratory, supervisor, program)
    down.stop_wave(supervisor, [program.name])
    supervisor.start([program.name])
    wait_until(lambda: why_unwell(laboratory, supervisor, program), deadline_seconds=WELL_SECONDS)
    if used_by_name:
        wait_until(lambda: named.why_not_named(laboratory, program.region), deadline_seconds=NAMED_SECONDS)


def send_clients_away(supervisor: Supervisor, program: Program) -> None:
    supervisor.leave(program.name)
    try:
        wait_until(lambda: why_not_left(program), deadline_seconds=LEAVE_SECONDS)
    except NotReady:
        return  # they are disconnected, and come back elsewhere


def send_users_away(laboratory: Laboratory, supervisor: Supervisor, program: Program) -> None:
    """It goes on serving until nobody's resolver can lead to it any more."""
    supervisor.leave(program.name)
    wait_until(lambda: named.why_still_named(laboratory, program.region), deadline_seconds=UNNAMED_SECONDS)
    time.sleep(named.ttl_seconds(laboratory) + LATE_SECONDS)


def why_not_left(program: Program) -> str | None:
    found = hubs.hub(program.region)
    return f"{found.connections} clients are left" if found is not None and found.connections else None


def why_unwell(laboratory: Laboratory, supervisor: Supervisor, program: Program) -> str | None:
    why = health(laboratory, program)
    if why == READY:
        return None
    supervisor.require_alive(program.name)
    return f"{program.name}: {why}"
