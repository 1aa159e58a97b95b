"""A real MariaDB for tests: the only member of a Galera cluster, configured as `make up` configures a region's.

It listens on the first free address of its range, so that neither running regions nor other tests are disturbed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from lab import galera, ports
from lab.laboratory import DATABASE_USER, Laboratory
from lab.packages import why_embedded_now
from lab.regions import DATABASE_PORTS, SQL, Region
from lab.trial import locked

ADDRESSES = tuple(f"127.77.{number}.1" for number in range(21, 30))
READY_SECONDS = 60.0
STOP_SECONDS = 60.0
POLL_SECONDS = 0.05

USABLE = why_embedded_now() is None
STORES = ("sqlite", "galera") if USABLE else ("sqlite",)
"""Where no MariaDB can run, the suites run against SQLite alone."""

_numbers = count(1)


@dataclass(frozen=True)
class Member:
    laboratory: Laboratory

    @property
    def region(self) -> Region:
        return self.laboratory.regions[0]

    def ask(self, *statements: str) -> list[tuple[object, ...]]:
        """As the database's root; rows of the last statement."""
        return galera.ask(self.laboratory.member(self.region), *statements)

    def fresh_database(self) -> str:
        """The URL of a new, empty database."""
        name = f"trial_{next(_numbers)}"
        self.ask(f"CREATE DATABASE {name}", f"GRANT ALL PRIVILEGES ON {name}.* TO '{DATABASE_USER}'@'%'")
        return f"mysql://{DATABASE_USER}:{self.laboratory.password()}@{self.region.address}:{SQL}/{name}"


@contextmanager
def galera_member() -> Iterator[Member]:
    with _own_address() as address:
        yield from _member(Region("test", 1, address))


def _member(region: Region) -> Iterator[Member]:
    folder = Path(tempfile.mkdtemp(prefix="localgroup-mariadb-"))
    folder.chmod(0o755)  # the server runs as another user
    laboratory = Laboratory(folder, (region,), embedded=False)
    try:
        galera.write_configuration(laboratory)
        galera.create_data(laboratory.member(region), folder / "install.log")
        with _server(laboratory.member(region)):
            galera.create_database(laboratory, region)
            yield Member(laboratory)
    finally:
        shutil.rmtree(folder)


@contextmanager
def _server(folder: Path) -> Iterator[None]:
    configuration = f"--defaults-file={galera.configuration_path(folder)}"
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen([galera.SERVER, configuration, "--wsrep-new-cluster"], stdout=log, stderr=log)
    try:
        _wait_until_synced(folder, process)
        yield
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


def _wait_until_synced(folder: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while (reason := galera.why_not_synced(folder)) is not None:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the database {reason}:\n{(folder / 'server.log').read_text()}")
        time.sleep(POLL_SECONDS)


@contextmanager
def _own_address() -> Iterator[str]:
    """Nobody's else until the end: not of tests that begin at the same time, nor of what listens already."""
    for address in ADDRESSES:
        with (Path(tempfile.gettempdir()) / f"localgroup-mariadb-{address}-{os.geteuid()}.lock").open("w") as lock:
            if locked(lock.fileno()) and not any(ports.taken((address, port)) for port in DATABASE_PORTS):
                yield address
                return
    raise RuntimeError(f"all of {', '.join(ADDRESSES)} are taken")
