"""What comes from the system's own packages: MariaDB with Galera, PowerDNS, and what state transfer and a WAN need."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from lab import galera, name_servers
from lab.command import CommandFailed, run
from lab.progress import console, step

PACKAGES = (
    "mariadb-server",
    "mariadb-backup",
    "galera-4",
    "rsync",
    "iproute2",
    "pdns-server",
    "pdns-backend-bind",
    "unbound",
)
BUILDER = ("buildah", "mmdebstrap")
"""Make the image, and what it is made from. Each package is named after its program."""
SERVICES = {"mariadb": galera.SERVER, "pdns": name_servers.SERVER, "unbound": "unbound"}
"""By unit, its program."""
POLICY = Path("/usr/sbin/policy-rc.d")
FORBID_STARTING = "#!/bin/sh\nexit 101\n"
INSTALL_SECONDS = 900


def is_root() -> bool:
    return os.geteuid() == 0


def installable() -> bool:
    return is_root() and shutil.which("apt-get") is not None


@contextmanager
def services_stay_down(policy: Path = POLICY) -> Iterator[None]:
    """While packages are installed, none of their services may start. An existing policy is left alone."""
    if policy.exists():
        yield
        return
    policy.write_text(FORBID_STARTING)
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink()


def apt(arguments: list[str], log: Path) -> None:
    run(
        ["apt-get", *arguments],
        log=log,
        timeout_seconds=INSTALL_SECONDS,
        environment={"DEBIAN_FRONTEND": "noninteractive"},
    )


def absent_services() -> Sequence[str]:
    return [service for service, program in SERVICES.items() if shutil.which(program) is None]


def forget_services(services: Sequence[str]) -> None:
    """Those that came with our packages are not to start with the machine: ours are others. What was there is its
    owner's."""
    if services and shutil.which("systemctl"):
        subprocess.run(["systemctl", "disable", *services], capture_output=True, check=False)


def install(log: Path, packages: Sequence[str] = PACKAGES) -> None:
    absent = absent_services()
    with step("reading the package lists (apt)"):
        apt(["update", "-q"], log)
    with step(f"installing {', '.join(packages)} (apt)"), services_stay_down():
        apt(["install", "-q", "-y", "--no-install-recommends", *packages], log)
    forget_services([service for service in absent if service not in absent_services()])


def ensure_builder(log: Path) -> None:
    """What tests of the image need; elsewhere they say that they were not run."""
    if installable() and not all(map(shutil.which, BUILDER)):
        try:
            install(log, BUILDER)
        except CommandFailed as error:
            console.print(f"no image can be built here: {error}")


def ensure(log: Path) -> bool:
    """True if the database servers are there now. Without name servers alone, regions run as well."""
    if installable() and (absent_services() or not (galera.installed() and name_servers.installed())):
        try:
            install(log)
        except CommandFailed:
            if not galera.installed():
                raise
    return galera.installed()


def why_embedded(environ: Mapping[str, str], servers: Callable[[], bool], *, root: bool) -> str | None:
    """Why regions have to share one SQLite file here; None if each can have its database server.

    `servers` says whether they are installed, having installed them if it likes.
    """
    if environ.get("LOCALGROUP_EMBEDDED", "0") not in ("", "0"):
        return "LOCALGROUP_EMBEDDED asks for it"
    if not root:
        return "without root, database servers cannot run as their own user"
    return None if servers() else "mariadb-server and galera-4 cannot be installed here"


def why_embedded_now() -> str | None:
    """As this machine is, nothing installed for it."""
    return why_embedded(os.environ, galera.installed, root=is_root())
