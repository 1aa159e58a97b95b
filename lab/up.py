"""Starting a laboratory: hubs and databases first, then the schema, the tiers, and a catalogue to serve.

Every step is harmless when it was done before, so starting what already runs only looks whether all is well.
"""

from __future__ import annotations

import sys
from pathlib import Path

from lab import catalogue, cluster, credentials, galera, hubs, nats, ports, strays, supervisor
from lab.command import run
from lab.laboratory import Laboratory, remember
from lab.programs import HUB, names
from lab.progress import step
from lab.readiness import Objection, first_objection, wait_until, why_unready
from lab.regions import Region
from lab.supervisor import Supervisor
from lab.tiers import TIERS

SUPERVISOR_SECONDS = 15
HUB_SECONDS = 30
TIER_SECONDS = 90
SCHEMA_SECONDS = 120


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
    control.start(names(laboratory, [HUB]))
    if not laboratory.embedded:
        start_databases(laboratory, control)
    with step("waiting for the hubs to join each other"):
        wait_until(lambda: first_objection(hubs.objections(laboratory.regions)), deadline_seconds=HUB_SECONDS)
    return control


def prepare(laboratory: Laboratory) -> None:
    """Configuration is written while nothing of ours runs, and read by what is started then."""
    if strays.strays(laboratory):
        with step("ending processes that lost their supervisor"):
            strays.end(laboratory)
    ports.require_free(laboratory)
    laboratory.storage.mkdir(parents=True, exist_ok=True)
    remember(laboratory)
    credentials.ensure(laboratory)
    nats.write_configuration(laboratory)
    if not laboratory.embedded:
        galera.write_configuration(laboratory)
    supervisor.write_configuration(laboratory)


def wait_for_supervisor(control: Supervisor) -> None:
    wait_until(
        lambda: None if control.answers() else "supervisord does not answer", deadline_seconds=SUPERVISOR_SECONDS
    )


def start_databases(laboratory: Laboratory, control: Supervisor) -> None:
    first = cluster.begin(laboratory, control)
    with step("waiting for every region's database to be in step"):
        cluster.wait_synced(laboratory, control)
    galera.create_database(laboratory, first)


def start_tiers(laboratory: Laboratory, control: Supervisor) -> None:
    with step("bringing the schema up to date"):
        upgrade_schema(laboratory)
    with step("starting whirlpool, messier and andromeda in every region"):
        control.start(names(laboratory, TIERS))
        questions = tier_objections(laboratory, control)
        wait_until(lambda: first_objection(questions), deadline_seconds=TIER_SECONDS)


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
