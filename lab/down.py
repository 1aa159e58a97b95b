"""Ending a laboratory: those who call before those who are called, the hubs, and the databases one after another.

The members leave in turn so that the last one knows that it has everything, and may begin the cluster next time.
"""

from __future__ import annotations

import signal
from collections.abc import Iterable

from lab import galera, ports, strays
from lab.laboratory import Laboratory
from lab.programs import DATABASE, DNS, HUB, NAMES, NETWORK, WATCH, names
from lab.progress import step
from lab.readiness import wait_until
from lab.supervisor import STOPPED_SECONDS, Supervisor
from lab.tiers import TIERS
from lab.wan import network

PORTS_SECONDS = 30


def stop_wave(supervisor: Supervisor, wave: Iterable[str]) -> None:
    chosen = list(wave)
    supervisor.stop(chosen)
    wait_until(lambda: supervisor.still_stopping(chosen), deadline_seconds=STOPPED_SECONDS)


def stop_tiers(laboratory: Laboratory, supervisor: Supervisor) -> None:
    for tier in reversed(TIERS):
        stop_wave(supervisor, names(laboratory, [tier]))


def stop_databases(laboratory: Laboratory, supervisor: Supervisor) -> None:
    """A member that is still joining is killed: it does not listen to anything milder, and has nothing to lose."""
    stop_wave(supervisor, names(laboratory, [WATCH]))
    for region in reversed(laboratory.regions):
        name = region.node(DATABASE)
        supervisor.stop([name])
        if not galera.status(laboratory.member(region)):
            supervisor.kill(name)
        stop_wave(supervisor, [name])


def stop(laboratory: Laboratory) -> bool:
    """Leaves no process, no open port and no namespace, or raises. False when there was nothing to stop."""
    found = stop_processes(laboratory)
    if laboratory.wan:
        network.clear_left(laboratory.state)
    return found


def stop_processes(laboratory: Laboratory) -> bool:
    if Supervisor(laboratory).answers():
        stop_in_order(laboratory, Supervisor(laboratory))
    elif strays.strays(laboratory):
        with step("ending processes that lost their supervisor"):
            strays.end(laboratory)
    else:
        return False
    wait_until(lambda: left_open(laboratory), deadline_seconds=PORTS_SECONDS)
    return True


def stop_in_order(laboratory: Laboratory, supervisor: Supervisor) -> None:
    strays.send(laboratory, signal.SIGCONT)  # who is paused does not hear that it shall end
    if laboratory.dns:
        stop_wave(supervisor, names(laboratory, [DNS, NAMES]))
    with step("draining and stopping the tiers"):
        stop_tiers(laboratory, supervisor)
    with step("stopping the hubs"):
        stop_wave(supervisor, names(laboratory, [HUB]))
    if not laboratory.embedded:
        with step("stopping the databases, one after another"):
            stop_databases(laboratory, supervisor)
    stop_wave(supervisor, names(laboratory, [NETWORK]))
    supervisor.shut_down()
    strays.gone(laboratory)


def left_open(laboratory: Laboratory) -> str | None:
    found = ports.still_taken(laboratory)
    return f"still open: {ports.listed(found)}" if found else None
