"""`python -m lab wan` and `links`: the original's deployment on this machine, and how its network does."""

from __future__ import annotations

import sys
from pathlib import Path

from lab import name_servers, up
from lab.laboratory import Laboratory, remembered
from lab.progress import console, step
from lab.supervisor import Supervisor
from lab.wan import namespaces, network, pings, tables, validity
from lab.wan.sites import HOME, Plan
from lab.wan.territory import of_cities

FORWARDER = "forwarder"


def choose(state: Path, regions: int, *, embedded: bool) -> Laboratory:
    """What runs already stays as it is, if it is that; else a new one, its plan written."""
    before = remembered(state)
    if before and Supervisor(before).answers():
        if before.wan and len(before.regions) == regions:
            return before
        sys.exit(f"{len(before.regions)} regions run already, others than these: `make down` first")
    if not name_servers.installed():
        console.print(name_servers.NONE_HERE)
    return Laboratory(state, of_cities(regions).regions, embedded, obeys_faults=True, dns=name_servers.installed())


def start(laboratory: Laboratory) -> None:
    if not Supervisor(laboratory).answers():
        laboratory.state.mkdir(parents=True, exist_ok=True)
        up.end_what_was_left(laboratory)
        plan = of_cities(len(laboratory.regions)).plan(laboratory.state)
        network.write_plan(plan, laboratory.state)
    up.start(laboratory)


def require_namespaces() -> None:
    if why := namespaces.why_not():
        sys.exit(why)


def show_links(state: Path) -> bool:
    """False where no regions are apart."""
    laboratory, plan = remembered(state), network.read_plan(state)
    if laboratory is None or not laboratory.wan or plan is None or network.why_silent(state):
        return False
    require_namespaces()
    show(plan)
    return True


def show(plan: Plan) -> None:
    links = network.links_of(plan)
    before = links.report()
    with step("measuring round trips"):
        found = pings.measure(plan.sites)
    after = links.report()
    names = [site.name for site in plan.sites if site.name != HOME]
    console.print(tables.round_trip_table(names, found, after.links))
    console.print(tables.account_table(after))
    console.print(tables.judgement(validity.judge({FORWARDER: before.used}, {FORWARDER: after.used})))
