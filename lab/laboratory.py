"""One laboratory: its regions, what stores their data, and where it keeps its state.

Every other module takes a `Laboratory`, so that `make up` and the tests' regions run side by side.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.regions import SQL, Region

DATABASE = "localgroup"
DATABASE_USER = "localgroup"
PASSWORD_BYTES = 24
REMEMBERED = "laboratory.json"
MARK = "LOCALGROUP_LABORATORY"
"""An environment variable of every process a laboratory starts: by it, and by nothing else, strays are recognised."""


@dataclass(frozen=True, slots=True)
class Laboratory:
    """`embedded`: one SQLite file shared by the regions, in place of a Galera member in each.
    `obeys_faults`: services do what `lab.faults` tells them to. `dns`: a name server in each region."""

    state: Path
    regions: tuple[Region, ...]
    embedded: bool
    obeys_faults: bool = False
    dns: bool = False

    @property
    def wan(self) -> bool:
        """Whether the regions are apart."""
        return any(region.namespace for region in self.regions)

    @property
    def supervisor_configuration(self) -> Path:
        return self.state / "supervisord.conf"

    @property
    def supervisor_socket(self) -> Path:
        return self.state / "supervisor.sock"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def storage(self) -> Path:
        """Each kind of storage keeps its own data, so that going back and forth between them loses nothing."""
        kind = "embedded" if self.embedded else "galera"
        return self.state / (f"wan-{kind}" if self.wan else kind)

    @property
    def sqlite_file(self) -> Path:
        return self.storage / "localgroup.db"

    def member(self, region: Region) -> Path:
        """The folder of a region's Galera member."""
        return self.storage / region.name

    def nats_configuration(self, region: Region) -> Path:
        return self.state / "nats" / f"{region.name}.conf"

    @property
    def dns_declaration(self) -> Path:
        return self.state / "dns" / "declaration.toml"

    def dns_folder(self, region: Region) -> Path:
        """Of its name server, and of the watcher that tells it who can be named."""
        return self.state / "dns" / region.name

    def faults_of(self, node: str) -> Path:
        """Where its services are told what to do wrong."""
        return self.state / "faults" / f"{node}.json"

    @property
    def credentials(self) -> Path:
        """Secrets, for this user only."""
        return self.state / "credentials"

    def region(self, name: str) -> Region:
        return next(region for region in self.regions if region.name == name)

    def password(self) -> str:
        """The database user's; made up at first use, readable by this user only."""
        path = self.state / "database-password"
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(PASSWORD_BYTES))
        return path.read_text()

    def database_url(self, region: Region) -> str:
        if self.embedded:
            return f"sqlite+aiosqlite:///{self.sqlite_file}"
        return f"mysql+aiomysql://{DATABASE_USER}:{self.password()}@{region.address}:{SQL}/{DATABASE}"


def remember(laboratory: Laboratory) -> None:
    """For those who come later to look at it or to stop it."""
    regions = [asdict(region) for region in laboratory.regions]
    told = {"embedded": laboratory.embedded, "obeys_faults": laboratory.obeys_faults, "dns": laboratory.dns}
    text = json.dumps(told | {"regions": regions}, indent=2)
    (laboratory.state / REMEMBERED).write_text(text + "\n")


def remembered(state: Path) -> Laboratory | None:
    """What was started last from this folder."""
    path = state / REMEMBERED
    if not path.exists():
        return None
    found = json.loads(path.read_text())
    regions = tuple(Region(**region) for region in found["regions"])
    return Laboratory(state, regions, found["embedded"], found.get("obeys_faults", False), found.get("dns", False))


def executable(name: str) -> str:
    """A program of our own virtual environment."""
    return str(Path(sys.executable).parent / name)
