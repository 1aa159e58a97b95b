"""A backup of a Galera member: its files, copied by `mariadb-backup` while it serves.

The copy is made ready at once (`--prepare`), and then shown to be a database: a server is started on it that nobody
else can reach, every table is checked and its checksum noted. So a backup that exists is one that starts.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab import galera, packages
from lab.checksums import checksums, table_names
from lab.command import CommandFailed, run
from lab.laboratory import DATABASE
from lab.readiness import wait_until
from lab.recovery import UNDEFINED, Position

TOOL = "mariadb-backup"
COPY_SECONDS = 3_600
START_SECONDS = 60
STOP_SECONDS = 60
LAST_LINES = 20
"""Of a log that says why."""
CHECK_SECONDS = 600.0
MEMORY = "128M"
GALERA_INFO = ("mariadb_backup_galera_info", "xtrabackup_galera_info")
"""Its name changed with MariaDB 11."""


def require_tool(log: Path) -> None:
    if shutil.which(TOOL) is None and packages.installable():
        packages.install(log)
    if shutil.which(TOOL) is None:
        raise CommandFailed(f"{TOOL} is missing: install the package of that name")


def copy(member: Path, backup: Path, log: Path) -> None:
    """Writes go on; the copy is of the moment at which copying ends."""
    command = [
        TOOL,
        f"--defaults-file={galera.configuration_path(member)}",
        "--backup",
        "--galera-info",
        "--user=root",
        f"--socket={galera.socket_path(member)}",
        f"--target-dir={galera.data_folder(backup)}",
    ]
    run(command, log=log, timeout_seconds=COPY_SECONDS)


def prepare(backup: Path, log: Path) -> None:
    """What was written while it was copied is brought in, what was not committed is taken out."""
    command = [TOOL, "--prepare", f"--use-memory={MEMORY}", f"--target-dir={galera.data_folder(backup)}"]
    run(command, log=log, timeout_seconds=COPY_SECONDS)


def position(backup: Path) -> Position:
    """Where the cluster was at that moment."""
    found = [path for name in GALERA_INFO if (path := galera.data_folder(backup) / name).exists()]
    said = re.match(r"([0-9a-f-]{36}):(\d+)", found[0].read_text()) if found else None
    if said is None or said[1] == UNDEFINED:
        raise CommandFailed(f"{TOOL} did not say where the cluster was")
    return Position(said[1], int(said[2]))


def examine(backup: Path, log: Path) -> tuple[str, dict[str, str]]:
    """The server's version and every table's checksum. Raises CommandFailed if a table is not sound."""
    with started(backup, log):
        ((version,),) = galera.ask(backup, "SELECT VERSION()")
        names = table_names(backup)
        for name in names:
            rows = galera.ask(backup, f"CHECK TABLE {DATABASE}.{name} EXTENDED", answer_seconds=CHECK_SECONDS)
            if (said := str(rows[-1][-1])) != "OK":
                raise CommandFailed(f"table {name} of the backup is not sound: {said}")
        return str(version), checksums(backup, names)


@contextmanager
def started(backup: Path, log: Path) -> Iterator[None]:
    """A server on the copy, reached through a socket beside it and in no other way, member of no cluster."""
    command = [
        galera.SERVER,
        "--no-defaults",
        "--user=root",
        "--skip-networking",
        "--read-only",
        "--wsrep-on=OFF",
        f"--datadir={galera.data_folder(backup)}",
        f"--socket={os.path.relpath(galera.socket_path(backup), galera.data_folder(backup))}",  # it may lie deep
        f"--pid-file={backup / 'mariadbd.pid'}",
        f"--innodb-buffer-pool-size={MEMORY}",
    ]
    with (
        log.open("ab") as output,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output) as server,
    ):
        try:
            wait_until(lambda: _why_not_started(backup, server, log), deadline_seconds=START_SECONDS)
            yield
        finally:
            server.terminate()
            server.wait(STOP_SECONDS)


def _why_not_started(backup: Path, server: subprocess.Popen[bytes], log: Path) -> str | None:
    if server.poll() is not None:
        last_lines = "\n".join(log.read_text(errors="replace").splitlines()[-LAST_LINES:])
        raise CommandFailed(f"{galera.SERVER} does not start on the backup; see {log}:\n{last_lines}")
    try:
        galera.ask(backup, "SELECT 1")
    except galera.MemberSilent as error:
        return str(error)
    return None
