"""What the container of a Galera member runs, where each region is a cluster of its own and nobody sees all members.

    python -m lab.galera_pod run ARGUMENTS...   becomes mariadbd; it joins, unless it has leave to begin the cluster
    python -m lab.galera_pod alive | ready      what probes ask

At each start the member says how far it came: `position: <history>:<seqno>`, or `position: empty:<its volume>`. Leave
to begin is a file with just that text. So it is given for one state of one volume: what is left lying about means
nothing once there was a commit, or to another volume. Whoever gives it has looked at all regions, which no member can.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr

from broker.config import Region
from broker.credentials.private_files import write_private
from broker.environment import BadEnvironment, read_environment
from lab import galera
from lab.laboratory import DATABASE, DATABASE_USER
from lab.recovery import Position, allow_bootstrap, position

VOLUME_BYTES = 8
MISUSED = 2
PASSWORD = re.compile(r"[A-Za-z0-9_-]{16,}")
"""It becomes a part of a statement."""


def _check_password(password: SecretStr) -> SecretStr:
    if not PASSWORD.fullmatch(password.get_secret_value()):
        raise ValueError("must be at least 16 letters, digits, dashes and underscores")
    return password


class MemberSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    region: Region
    member_folder: Path
    """On the volume; its `my.cnf` is the server's configuration."""
    member_leave: Path
    """The file in which leave to begin is given; it need not be there."""
    member_password: Annotated[SecretStr, AfterValidator(_check_password)]
    """Of the user that is made in a new cluster."""


def name_of(folder: Path, found: Position) -> str:
    return f"empty:{_volume(folder)}" if found.empty else str(found)


def has_leave(leave: Path, name: str) -> bool:
    try:
        return leave.read_text().strip() == name
    except FileNotFoundError:
        return False


def arguments(settings: MemberSettings, given: Sequence[str]) -> list[str]:
    """Of mariadbd. Makes the first data of a cluster, if it has leave to begin one."""
    folder = settings.member_folder
    for path in (galera.data_folder(folder), folder / "tmp"):
        path.mkdir(exist_ok=True)
    found = position(folder)
    name = name_of(folder, found)
    print(f"position: {name}", flush=True)
    chosen = [f"--defaults-file={galera.configuration_path(folder)}", *given]
    if found.known and found.sure:
        chosen.append(f"--wsrep-start-position={found}")
    if has_leave(settings.member_leave, name):
        print("beginning the cluster", flush=True)
        chosen += ["--wsrep-new-cluster", *_beginning(settings, found)]
    return chosen


def why_dead(folder: Path) -> str | None:
    """A member that is being filled does not answer yet; one that left its cluster for good is better started anew."""
    now = galera.status(folder)
    if not now:
        return "does not answer"
    return "left its cluster" if now.get("cluster_status") == galera.DISCONNECTED else None


def _beginning(settings: MemberSettings, found: Position) -> list[str]:
    if not found.empty:
        allow_bootstrap(settings.member_folder, found)
        return []
    galera.create_data(settings.member_folder, settings.member_folder / "tmp" / "install-db.log")
    password = settings.member_password.get_secret_value()
    first = Path(tempfile.gettempdir()) / "first.sql"
    write_private(
        first,
        f"CREATE DATABASE IF NOT EXISTS {DATABASE} CHARACTER SET utf8mb4;\n"
        f"CREATE USER IF NOT EXISTS '{DATABASE_USER}'@'%' IDENTIFIED BY '{password}';\n"
        f"GRANT ALL PRIVILEGES ON {DATABASE}.* TO '{DATABASE_USER}'@'%';\n",
    )
    return [f"--init-file={first}"]


def _volume(folder: Path) -> str:
    path = folder / "volume"
    if not path.exists():
        write_private(path, secrets.token_hex(VOLUME_BYTES))
    return path.read_text()


def main() -> None:
    verb, *given = sys.argv[1:] or [""]
    try:
        settings = read_environment(MemberSettings, os.environ)
    except BadEnvironment as error:
        print(error, file=sys.stderr)
        sys.exit(MISUSED)
    if verb == "run":
        _become(arguments(settings, given))
    probes = {"alive": why_dead, "ready": galera.why_not_synced}
    if verb not in probes:
        print("galera_pod: run, alive or ready", file=sys.stderr)
        sys.exit(MISUSED)
    if reason := probes[verb](settings.member_folder):
        sys.exit(f"the member {reason}")


def _become(chosen: Sequence[str]) -> None:
    server = shutil.which(galera.SERVER)
    if server is None:
        sys.exit(f"{galera.SERVER} is not installed")
    os.execv(server, [server, *chosen])  # noqa: S606


if __name__ == "__main__":
    main()
