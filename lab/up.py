"""Starting a laboratory: hubs and databases first, then the schema, the tiers, the name servers, and a catalogue.

Every step is harmless when it was done before, so starting what already runs only looks whether all is well.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pymysql

from lab import catalogue, cluster, credentials, galera, hubs, name_servers, nats, ports, strays, supervisor
from lab.command import run
from lab.laboratory import Laboratory, remember
from lab.programs import DATABASE, DNS, HUB, NAMES, NETWORK, names
from lab.progress import step
from lab.readiness import Objection, first_objection, wait_until, why_unready
from lab.regions import Region
from lab.supervisor import Supervisor
from lab.tiers import TIERS
from lab.wan import network

SUPERVISOR_SECONDS = 15
NETWORK_SECONDS = 30
HUB_SECONDS = 30
TIER_SECONDS_A_REGION = 30
"""All start at once, on one machine."""
DNS_SECONDS = 30
SCHEMA_SECONDS = 120
DATABASE_SECONDS = 30
"""To make our database and its user, which waits for whoever holds a lock."""


def up(laboratory: Laboratory, given: Path | None) -> None:
    start(laboratory)
    catalogue.ensure(laboratory, given)


def start(laboratory: Laboratory) -> None:
    """Everything but a catalogue."""
    start_tiers(laboratory, start_servers(laboratory))


def start_servers(laboratory: Laboratory) -> Supervisor:
    """The hubs and the databases."""
    control = Supervisor(laboratory)
    if not control.answers():
        prepare(laboratory)
        supervisor.daemon(laboratory)
        wait_for_supervisor(control)
    if laboratory.wan:
        start_network(laboratory, control)
    control.start(names(laboratory, [HUB]))
    if not laboratory.embedded:
        start_databases(laboratory, control)
    with step("waiting for the hubs to join each other"):
        wait_until(lambda: first_objection(hubs.objections(laboratory.regions)), deadline_seconds=HUB_SECONDS)
    return control


def prepare(laboratory: Laboratory) -> None:
    """Configuration is written while nothing of ours runs, and read by what is started then."""
    end_what_was_left(laboratory)
    ports.require_free(laboratory)
    laboratory.storage.mkdir(parents=True, exist_ok=True)
    remember(laboratory)
    credentials.ensure(laboratory)
    nats.write_configuration(laboratory)
    if not laboratory.embedded:
        galera.write_configuration(laboratory)
    if laboratory.dns:
        name_servers.write_configuration(laboratory)
    supervisor.write_configuration(laboratory)


def end_what_was_left(laboratory: Laboratory) -> None:
    """By one that lost its supervisor; the network last, since it takes with it whatever runs in a region."""
    if strays.strays(laboratory):
        with step("ending processes that lost their supervisor"):
            strays.end(laboratory)
    network.clear_left(laboratory.state)


def start_network(laboratory: Laboratory, control: Supervisor) -> None:
    control.start([NETWORK])
    with step("joining the regions' networks"):
        wait_until(lambda: why_no_network(laboratory, control), deadline_seconds=NETWORK_SECONDS)


def why_no_network(laboratory: Laboratory, control: Supervisor) -> str | None:
    why = network.why_silent(laboratory.state)
    if why:
        control.require_alive(NETWORK)
    return why


def wait_for_supervisor(control: Supervisor) -> None:
    wait_until(
        lambda: None if control.answers() else "supervisord does not answer", deadline_seconds=SUPERVISOR_SECONDS
    )


def start_databases(laboratory: Laboratory, control: Supervisor) -> None:
    first = cluster.begin(laboratory, control)
    with step("waiting for every region's database to be in step"):
        cluster.wait_synced(laboratory, control)
        wait_until(lambda: why_no_database(laboratory, first), deadline_seconds=DATABASE_SECONDS)


def why_no_database(laboratory: Laboratory, region: Region) -> str | None:
    """A member that has just been thawed or sent everything may still hold locks of those who left meanwhile."""
    try:
        galera.create_database(laboratory, region)
    except (galera.MemberSilent, pymysql.OperationalError) as error:
        return f"{region.node(DATABASE)}: {error}"
    return None


def start_tiers(laboratory: Laboratory, control: Supervisor) -> None:
    with step("bringing the schema up to date"):
        upgrade_schema(laboratory)
    run_tiers(laboratory, control)


def run_again(laboratory: Laboratory) -> None:
    """Whatever of it does not run any more, with its schema and its catalogue as they are."""
    run_tiers(laboratory, start_servers(laboratory))


def run_tiers(laboratory: Laboratory, control: Supervisor) -> None:
    with step("starting whirlpool, messier and andromeda in every region"):
        control.start(names(laboratory, TIERS))
        questions = tier_objections(laboratory, control)
        wait_until(lambda: first_objection(questions), deadline_seconds=TIER_SECONDS_A_REGION * len(laboratory.regions))
    if laboratory.dns:
        run_dns(laboratory, control)


def run_dns(laboratory: Laboratory, control: Supervisor) -> None:
    """A name server starts when it can be told who is there, so that its first answer is right."""
    with step("starting a name server in every region"):
        control.start(names(laboratory, [NAMES]))
        watchers = [tier_objection(control, region, NAMES) for region in laboratory.regions]
        wait_until(lambda: first_objection(watchers), deadline_seconds=DNS_SECONDS)
        control.start(names(laboratory, [DNS]))
        servers = [dns_objection(control, region) for region in laboratory.regions]
        wait_until(lambda: first_objection(servers), deadline_seconds=DNS_SECONDS)


def dns_objection(control: Supervisor, region: Region) -> Objection:
    def why_not() -> str | None:
        why = name_servers.why_silent(region)
        if why:
            control.require_alive(region.node(DNS))
        return why and f"{region.node(DNS)} {why}"

    return why_not


def upgrade_schema(laboratory: Laboratory) -> None:
    """Through one region's database; the others replicate it. The URL has the password, so it is not an argument."""
    run(
        [sys.executable, "-m", "migrations", "schema", "upgrade"],
        log=laboratory.logs / "schema.log",
        timeout_seconds=SCHEMA_SECONDS,
        environment={"LOCALGROUP_DATABASE_URL": laboratory.database_url(laboratory.regions[0])},
    )


def tier_objections(laboratory: Laboratory, control: Supervisor) -> list[Objection]:
    return [tier_objection(control, region, tier) for tier in TIERS for region in laboratory.regions]


def tier_objection(control: Supervisor, region: Region, tier: str) -> Objection:
    name, url = region.node(tier), f"http://{region.metrics_address(tier)}/readyz"

    def why_not() -> str | None:
        why = why_unready(url)
        if why:
            control.require_alive(name)
        return why and f"{name} is not ready: {why}"

    return why_not
