"""Regions for a test, a drill or a benchmark: real, somewhere else than `make up`'s, and gone when it is over.

They end with the process that started them, however that ends, and one that comes later clears away what is left.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from broker.environment import read_environment
from broker.nats.settings import NatsSettings
from broker.settings import TierSettings
from lab import catalogue, down, rolling, supervisor, tiers, up
from lab.faults import Faults
from lab.laboratory import Laboratory
from lab.programs import names
from lab.readiness import PAUSE_SECONDS, NotReady, wait_until
from lab.regions import Region, regions_of
from lab.supervisor import Supervisor
from lab.wan import network
from lab.wan.controls import Links
from lab.wan.namespaces import enter_command
from lab.wan.territory import Territory

FIRST_ADDRESS = "127.77.1.1"
TURN_SECONDS = 900
"""How long another trial at the same addresses may take."""
CLEARED_SECONDS = 60


class _Settings(TierSettings):
    tier: ClassVar[str] = "trial"


class Trial:
    """Running regions, and what a test does to them."""

    def __init__(self, laboratory: Laboratory) -> None:
        self.laboratory = laboratory
        self._supervisor = Supervisor(laboratory)

    @property
    def regions(self) -> tuple[Region, ...]:
        return self.laboratory.regions

    @property
    def public_urls(self) -> list[str]:
        return [region.public_url for region in self.regions]

    @property
    def faults(self) -> Faults:
        return Faults(self.laboratory)

    @property
    def links(self) -> Links:
        """Between regions that are apart."""
        return self.faults.links

    def region(self, name: str) -> Region:
        return self.laboratory.region(name)

    def enter(self, region: Region, *command: str) -> list[str]:
        """The same command, run where the region is: a load generator, say."""
        return [*enter_command(region.namespace), *command]

    def mesh_environment(self, region: Region, role: str) -> dict[str, str]:
        """What a program needs to join the mesh in a region: as a tier, as `loader` or as `mesh`."""
        return tiers.common_environment(self.laboratory, region, role)

    def mesh_settings(self, region: Region, role: str) -> NatsSettings:
        return read_environment(_Settings, self.mesh_environment(region, role)).nats_settings()

    def database_url(self, region: Region) -> str:
        return self.laboratory.database_url(region)

    def load(self, path: Path) -> None:
        catalogue.load(self.laboratory, path)

    def load_sample(self) -> Path:
        folder = catalogue.sample(self.laboratory)
        self.load(folder)
        return folder

    def stop(self, *programs: str) -> None:
        """In order, as for an upgrade. Programs are named as nodes: `messier-west-1`, `galera-east-1`."""
        down.stop_wave(self._supervisor, programs)

    def kill(self, *programs: str) -> None:
        """Without warning. Supervision starts them again at once."""
        self.faults.kill(*programs)

    def restart(self, *programs: str) -> None:
        """One after another, so that nobody notices."""
        rolling.restart(self.laboratory, self._supervisor, programs)

    def process_id(self, program: str) -> int:
        return self._supervisor.processes()[program].pid

    def restore(self) -> None:
        """Starts whatever does not run, and waits until all is well again."""
        up.start(self.laboratory)

    def programs(self, *servers: str) -> list[str]:
        """Names of these servers' programs: `galera`, `nats`, `whirlpool`, `messier`, `andromeda`."""
        return names(self.laboratory, servers)


@contextmanager
def trial(
    first_address: str = FIRST_ADDRESS, *, embedded: bool, with_tiers: bool = True, dns: bool = False
) -> Iterator[Trial]:
    """Regions at `first_address` and after it, empty and ready."""
    laboratory = Laboratory(state_of(first_address), regions_of(first_address), embedded, dns=dns)
    with begun(laboratory, with_tiers=with_tiers) as found:
        yield found


@contextmanager
def wan_trial(territory: Territory, *, embedded: bool, with_tiers: bool = True, dns: bool = False) -> Iterator[Trial]:
    """The same, apart from each other, and obeying faults. Needs root (`namespaces.why_not` says so)."""
    state = state_of(f"{territory.network}-{territory.name}")
    laboratory = Laboratory(state, territory.regions, embedded, obeys_faults=True, dns=dns)
    with begun(laboratory, territory, with_tiers=with_tiers) as found:
        yield found


def state_of(name: str) -> Path:
    return Path(tempfile.gettempdir()) / f"localgroup-trial-{name}-{os.geteuid()}"


@contextmanager
def begun(laboratory: Laboratory, territory: Territory | None = None, *, with_tiers: bool) -> Iterator[Trial]:
    state = laboratory.state
    with turn(state.with_name(f"{state.name}.lock")), folder(laboratory):
        if territory is not None:
            network.write_plan(territory.plan(state), state)
        up.prepare(laboratory)
        with supervisor.attached(laboratory):
            up.wait_for_supervisor(Supervisor(laboratory))
            up.start(laboratory) if with_tiers else up.start_servers(laboratory)
            try:
                yield Trial(laboratory)
            finally:
                down.stop(laboratory)


@contextmanager
def turn(lock_path: Path) -> Iterator[None]:
    """One trial at a time at the same addresses."""
    deadline = time.monotonic() + TURN_SECONDS
    with lock_path.open("w") as lock:
        while not locked(lock.fileno()):
            if time.monotonic() >= deadline:
                raise NotReady(f"another trial holds {lock_path}")
            time.sleep(PAUSE_SECONDS)
        yield


def locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def folder(laboratory: Laboratory) -> Iterator[None]:
    """An empty state folder, which the database's user can reach, once a crashed trial's processes are gone."""
    down.stop(laboratory)
    wait_until(lambda: down.left_open(laboratory), deadline_seconds=CLEARED_SECONDS)
    shutil.rmtree(laboratory.state, ignore_errors=True)
    laboratory.state.mkdir(mode=0o755)
    try:
        yield
    finally:
        shutil.rmtree(laboratory.state)
