"""A region more, or one less, while the others serve: in the order in which operators do it across datacenters.

To join: hubs are told and restarted one after another; then the new region starts as any does, its database first,
which is sent everything; when it serves, everybody's name server is told of it. To leave is the same backwards, once
the region is evacuated. Tiers of the others go on as they are, and are told of the new hub at their next start.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from lab import cluster, credentials, galera, hubs, name_servers, named, nats, rolling, supervisor, up
from lab.down import stop_wave
from lab.laboratory import Laboratory, remember
from lab.programs import DATABASE, DNS, HUB, NAMES, WATCH, names, programs
from lab.readiness import first_objection, wait_until
from lab.regions import Region
from lab.supervisor import Supervisor
from lab.tiers import TIERS

NAMED_SECONDS = 60
LEAVING = (*reversed(TIERS), NAMES, DNS, WATCH, HUB, DATABASE)
"""Who asks before who is asked."""


def admit(laboratory: Laboratory, region: Region) -> Laboratory:
    """It serves whoever comes, and no name leads to it yet."""
    after = replace(laboratory, regions=(*laboratory.regions, region))
    control = Supervisor(laboratory)
    tell(after)
    control.read_again()
    _restart(laboratory, control, [HUB])  # judged by those who are there
    control.start(names(after, [HUB]))
    wait_until(lambda: first_objection(hubs.objections(after.regions)), deadline_seconds=up.HUB_SECONDS)
    if not after.embedded:
        control.start([region.node(DATABASE)])
        cluster.wait_synced(after, control)
        _restart(after, control, [WATCH], laboratory.regions)
    control.start(names(after, [WATCH, *TIERS]))
    wait_until(lambda: first_objection(up.tier_objections(after, control)), deadline_seconds=up.TIER_SECONDS_A_REGION)
    return after


def declare(laboratory: Laboratory, region: Region) -> None:
    """Names lead to it, among others."""
    control = Supervisor(laboratory)
    name_servers.write_configuration(laboratory)
    others = [each for each in laboratory.regions if each != region]
    _restart(laboratory, control, [NAMES, DNS], others)
    up.run_dns(laboratory, control)
    wait_until(lambda: named.why_not_named(laboratory, region), deadline_seconds=NAMED_SECONDS)


def dismiss(laboratory: Laboratory, region: Region) -> Laboratory:
    """One that is evacuated. Its data stays where it is."""
    after = replace(laboratory, regions=tuple(each for each in laboratory.regions if each != region))
    control = Supervisor(laboratory)
    name_servers.write_configuration(after)
    _restart(after, control, [NAMES, DNS])
    of_region = {program.server: program.name for program in programs(laboratory) if program.region == region}
    for server in LEAVING:
        stop_wave(control, [of_region[server]] if server in of_region else [])
    tell(after)
    control.read_again()
    _restart(after, control, [HUB] if after.embedded else [HUB, WATCH])
    return after


def tell(laboratory: Laboratory) -> None:
    """For whoever is started from now on; but name servers."""
    remember(laboratory)
    credentials.ensure(laboratory)
    nats.write_configuration(laboratory)
    if not laboratory.embedded:
        galera.write_configuration(laboratory)
    supervisor.write_configuration(laboratory)


def _restart(
    laboratory: Laboratory, control: Supervisor, servers: Iterable[str], regions: Iterable[Region] | None = None
) -> None:
    chosen = laboratory.regions if regions is None else regions
    rolling.restart(laboratory, control, [region.node(server) for server in servers for region in chosen])
