"""A drill from beginning to end: regions, stores, clients in each region, faults, and judgement when all is healed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TypeAlias

from pydantic import SecretStr

from broker import Broker, BrokerConfig
from broker.nats.client import NatsClient
from lab import galera, up
from lab.checksums import checksums
from lab.regions import Region
from lab.trial import Trial
from tests.drills import repeats, tables
from tests.drills.clients import Client
from tests.drills.contracts import SERVICE
from tests.drills.doors import CarelessDoor, Door, MeshDoor
from tests.drills.faults import Happened, Surroundings, happen, heal
from tests.drills.history import Anomaly, Outcome
from tests.drills.journal import Journal
from tests.drills.reconciliation import CONTROL, changes, reconcile, said
from tests.drills.stores import stores
from tests.drills.verdict import Verdict
from tests.drills.workloads import Rows, Workload
from tests.drills.workloads.bank import Bank
from tests.drills.workloads.counter import Counter
from tests.drills.workloads.lists import ListAppend
from tests.drills.workloads.register import Register
from tests.drills.workloads.sets import Sets
from whirlpool.config import DatabaseConfig
from whirlpool.engine import open_engine

WORKLOADS: Mapping[str, type[Workload]] = {
    "counter": Counter, "bank": Bank, "register": Register, "set": Sets, "list": ListAppend
}  # fmt: skip
CONTROLS: Mapping[str, type[Workload]] = {"counter": Counter, "bank": Bank, "list": ListAppend}
"""Those that the raw database must be seen to fail."""
CLIENTS = 2
"""Of each workload in each region."""
THINK_SECONDS = 0.05
"""Between two requests of a client: so many regions on few cores are to be at moderate load."""
FAULTS_PER_MINUTE = 6.0
ROWS_A_CLIENT = 4
CONTROL_ROUND_SECONDS = 3.0
CONTROL_ROUNDS_MAX = 10
"""On a machine that is busy with other things, carelessness takes longer to show."""
READY_SECONDS = 30.0
CLIENT_ROLE = "loader"


@dataclass(frozen=True)
class Extent:
    """How much of it."""

    seed: int
    seconds: float
    clients: int = CLIENTS
    faults_per_minute: float = FAULTS_PER_MINUTE

    @property
    def breadth(self) -> int:
        """Of the workloads. A row is held for a round trip between regions, so that few rows are mostly waited for."""
        return ROWS_A_CLIENT * self.clients


Findings: TypeAlias = dict[str, list[Anomaly]]
"""By workload."""


async def drill(trial: Trial, extent: Extent, journal_path: Path) -> Verdict:
    """In running regions without tiers. The journal is new; it stays where it is."""
    up.upgrade_schema(trial.laboratory)
    workloads = {name: kind(name, extent.breadth) for name, kind in WORKLOADS.items()}
    controls = {name: kind(f"{CONTROL}-{name}") for name, kind in CONTROLS.items()}
    tables.create(trial.database_url(trial.regions[0]), repeats.rows())
    for workload in (*workloads.values(), *controls.values()):
        tables.create(trial.database_url(trial.regions[0]), workload.rows())
    journal = Journal(journal_path)
    begun = time.monotonic()
    careless = await control(trial, extent.seed, controls, journal)
    with stores(trial) as serving:
        async with mesh_doors(trial) as doors:
            repeated = await repeats.repeat(doors, rows_of(trial, trial.regions[0]))
            clients = clients_of(workloads, doors, extent.seed, journal, extent.clients)
            faults = await under_faults(Surroundings(trial, serving), clients, extent)
    journal.close()
    samples = [sample for _, client in clients for sample in client.samples]
    entries = said(journal_path)
    outcomes = [entry["outcome"] for entry in entries]
    return Verdict(
        seed=extent.seed,
        seconds=extent.seconds,
        apart=trial.laboratory.wan,
        clients=len(clients),
        begun=begun,
        faults=faults,
        samples=samples,
        anomalies=judge(trial, workloads)
        | {"journal": reconcile(journal_path, rows_of(trial, trial.regions[0])), "repeats": repeated},
        control=careless,
        acknowledged=outcomes.count(Outcome.ACKNOWLEDGED),
        changes=sum(changes(entry) for entry in entries if entry["outcome"] == Outcome.ACKNOWLEDGED),
        refused=outcomes.count(Outcome.REFUSED),
        unresolved=outcomes.count(Outcome.UNKNOWN),
        checksums={region.name: checksums(trial.laboratory.member(region)) for region in trial.regions},
    )


async def under_faults(
    around: Surroundings, clients: Sequence[tuple[Workload, Client]], extent: Extent
) -> list[Happened]:
    """Clients go on until the last fault is healed, and then until they know what came of each write."""
    over = asyncio.Event()
    running = [asyncio.ensure_future(keep_on(workload, client, over)) for workload, client in clients]
    try:
        until, random = time.monotonic() + extent.seconds, Random(extent.seed)
        faults = await asyncio.to_thread(lambda: list(happen(around, random, until, extent.faults_per_minute)))
        await asyncio.to_thread(heal, around)
    finally:
        over.set()
        await asyncio.gather(*running)
    return faults


async def keep_on(workload: Workload, client: Client, over: asyncio.Event) -> None:
    while not over.is_set():
        await workload.step(client)
        await asyncio.sleep(THINK_SECONDS)


async def control(trial: Trial, seed: int, workloads: Mapping[str, Workload], journal: Journal) -> Findings:
    """The same clients, straight at the database: without faults, and yet not without anomalies."""
    urls = {region.name: trial.database_url(region) for region in trial.regions}
    engines = {
        name: open_engine(DatabaseConfig(database_url=SecretStr(url), pool_size=2 * CLIENTS * len(workloads)))
        for name, url in urls.items()
    }
    clients = clients_of(
        workloads,
        {f"{CONTROL}-{name}": CarelessDoor(engine) for name, engine in engines.items()},
        seed,
        journal,
        CLIENTS,
    )
    found: Findings = {}
    for _ in range(CONTROL_ROUNDS_MAX):
        await all_for(clients, CONTROL_ROUND_SECONDS)
        found = await asyncio.to_thread(judge, trial, workloads)
        if all(found.values()):
            break
    for engine in engines.values():
        await engine.dispose()
    return found


async def all_for(clients: Sequence[tuple[Workload, Client]], seconds: float) -> None:
    over = asyncio.Event()
    running = [asyncio.ensure_future(keep_on(workload, client, over)) for workload, client in clients]
    await asyncio.sleep(seconds)
    over.set()
    await asyncio.gather(*running)


def clients_of(
    workloads: Mapping[str, Workload], doors: Mapping[str, Door], seed: int, journal: Journal, each: int
) -> list[tuple[Workload, Client]]:
    found = []
    for place, door in doors.items():
        for name, workload in workloads.items():
            for number in range(each):
                client = f"{place}-{name}-{number}"
                found.append((workload, Client(client, door, Random(f"{seed} {client}"), journal)))
    return found


@asynccontextmanager
async def mesh_doors(trial: Trial) -> AsyncIterator[dict[str, Door]]:
    """One node a region, through its own hub."""
    async with AsyncExitStack() as stack:
        doors: dict[str, Door] = {}
        for region in trial.regions:
            settings = trial.mesh_settings(region, CLIENT_ROLE)
            config = BrokerConfig(region=region.name, node=f"{CLIENT_ROLE}.{region.name}.drill")
            broker = await stack.enter_async_context(Broker(config, NatsClient(settings)))
            await broker.wait_for(SERVICE, deadline_seconds=READY_SECONDS)
            doors[region.name] = MeshDoor(broker)
        yield doors


def judge(trial: Trial, workloads: Mapping[str, Workload]) -> Findings:
    ask = rows_of(trial, trial.regions[0])
    return {name: workload.check(ask) for name, workload in workloads.items()}


def rows_of(trial: Trial, region: Region) -> Rows:
    def ask(query: str) -> list[tuple[object, ...]]:
        return galera.ask(trial.laboratory.member(region), "SET SESSION wsrep_sync_wait = 1", query)

    return ask
