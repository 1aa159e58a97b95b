"""How a laboratory is: its processes, why any of them is not ready, and whom the databases and hubs have joined."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from pathlib import Path

from rich.table import Table

from lab import cluster, galera, hubs, name_servers, watch
from lab.laboratory import Laboratory
from lab.programs import DATABASE, DNS, HUB, NETWORK, WATCH, Program, programs
from lab.progress import console
from lab.readiness import why_unready
from lab.regions import DNS as DNS_PORT
from lab.supervisor import Process, Supervisor
from lab.wan import network

READY = "ready"
MEBIBYTE = 1024 * 1024


def resident_bytes(process_id: int) -> int | None:
    """None where the kernel does not say so (only Linux does), or when the process is gone."""
    try:
        pages = int(Path(f"/proc/{process_id}/statm").read_text().split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def health(laboratory: Laboratory, program: Program) -> str:
    """`ready`, or what the program objects to."""
    if program.server == NETWORK:
        why = network.why_silent(laboratory.state)
    elif program.server == HUB:
        why = hubs.why_not_joined(program.region, laboratory.regions)
    elif program.server == DATABASE:
        why = galera.why_not_synced(laboratory.member(program.region))
    elif program.server == WATCH:
        why = None if asyncio.run(watch.ask(program.region)) else "does not answer"
    elif program.server == DNS:
        why = name_servers.why_silent(program.region)
    else:
        why = why_unready(f"http://{program.region.metrics_address(program.server)}/readyz")
    return why or READY


def process_row(laboratory: Laboratory, program: Program, process: Process) -> tuple[str, ...]:
    resident = resident_bytes(process.pid) if process.pid else None
    return (
        program.name,
        process.state.lower(),
        str(process.pid or ""),
        str(timedelta(seconds=process.uptime_seconds)) if process.running else "",
        f"{resident / MEBIBYTE:.0f} MB" if resident else "",
        health(laboratory, program) if process.running else "",
    )


def process_table(laboratory: Laboratory, supervisor: Supervisor) -> Table:
    table = Table("process", "state", "pid", "up for", "resident", "health", title="processes")
    processes = supervisor.processes()
    for program in programs(laboratory):
        table.add_row(*process_row(laboratory, program, processes[program.name]))
    return table


def database_table(laboratory: Laboratory) -> Table:
    table = Table("member", "members it sees", "component", "state", "queue", title="Galera cluster")
    for region in laboratory.regions:
        now = galera.status(laboratory.member(region))
        shown = ("cluster_size", "cluster_status", "local_state_comment", "local_recv_queue")
        table.add_row(region.node(DATABASE), *(now.get(name, "?") for name in shown))
    return table


def position_table(laboratory: Laboratory) -> Table:
    """Of members that do not run."""
    table = Table("member", "history", "commits", "left last", title="how far each database came")
    for name, at in cluster.positions(laboratory).items():
        told = (
            ("no data", "", "")
            if at.empty
            else (at.history, str(at.seqno) + ("" if at.sure else "?"), "yes" if at.safe else "")
        )
        table.add_row(laboratory.region(name).node(DATABASE), *told)
    return table


def hub_table(laboratory: Laboratory) -> Table:
    table = Table("hub", "regions it sees", "gateways to", "connections", title="NATS super-cluster")
    for region in laboratory.regions:
        found = hubs.hub(region)
        seen = (
            (str(len(found.joined) + 1), ", ".join(sorted(found.joined)), str(found.connections)) if found else ("?",)
        )
        table.add_row(region.node(HUB), *seen)
    return table


def dns_table(laboratory: Laboratory) -> Table:
    table = Table("name server", "asked as", "names, the best first", title=f"DNS: {name_servers.NAME}")
    for region in laboratory.regions:
        found = name_servers.answer(region)
        table.add_row(region.node(DNS), f"@{region.address} -p {DNS_PORT}", ", ".join(found) if found else "?")
    return table


def region_table(laboratory: Laboratory) -> Table:
    table = Table("region", "public address", "health", title="Local Group")
    for region in laboratory.regions:
        answer = why_unready(f"{region.public_url}/readyz") or READY
        table.add_row(region.name, region.public_url, answer)
    return table


def show(laboratory: Laboratory) -> bool:
    """True if it runs."""
    supervisor = Supervisor(laboratory)
    if not supervisor.answers():
        console.print("nothing runs; `make up` starts it")
        return False
    console.print(process_table(laboratory, supervisor))
    if laboratory.embedded:
        console.print(f"embedded storage: the regions share {laboratory.sqlite_file}")
    else:
        console.print(database_table(laboratory))
    console.print(hub_table(laboratory))
    console.print(dns_table(laboratory) if laboratory.dns else no_names())
    return True


def no_names() -> str:
    return name_servers.why_none() or "no DNS: it was not there when this was started; `make down`, then `make up`"
