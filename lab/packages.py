"""What comes from the system's own packages: MariaDB with Galera, and what state transfer needs."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from lab import galera
from lab.command import run
from lab.progress import step

PACKAGES = ("mariadb-server", "galera-4", "rsync")
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


def forget_service() -> None:
    """The packaged server is not to start with the machine: ours is another one."""
    if shutil.which("systemctl"):
        subprocess.run(["systemctl", "disable", "mariadb"], capture_output=True, check=False)


def install(log: Path) -> None:
    with step("reading the package lists (apt)"):
        apt(["update", "-q"], log)
    with step(f"installing {', '.join(PACKAGES)} (apt)"), services_stay_down():
        apt(["install", "-q", "-y", "--no-install-recommends", *PACKAGES], log)
    forget_service()


def ensure(log: Path) -> bool:
    """True if the database servers are there now."""
    if galera.installed():
        return True
    if not installable():
        return False
    install(log)
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
