"""One Galera member a region: its configuration, its first data folder, and what it says of itself over SQL."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pymysql

from lab.command import run
from lab.laboratory import DATABASE, DATABASE_USER, Laboratory
from lab.regions import GALERA_GROUP, GALERA_INCREMENTAL, GALERA_STATE, SQL, Region

SERVER = "mariadbd"
PROVIDERS = (Path("/usr/lib/galera/libgalera_smm.so"), Path("/usr/lib64/galera/libgalera_smm.so"))
USER = "mysql"
"""State transfer by rsync fails as root."""
CREATE_SECONDS = 120
SOCKET_SECONDS = 5
WRITE_SECONDS = 30
"""A write waits while a dead member is suspected."""

SETTINGS: dict[str, object] = {
    # A commit is on disk before it is acknowledged; a crash of all members must not lose it.
    "innodb_flush_log_at_trx_commit": 1,
    "sync_binlog": 1,
    "binlog_format": "ROW",
    # Rows alone travel between regions, not the statements that made them beside them: half of a large insert's bytes.
    "binlog_annotate_row_events": "OFF",
    "innodb_autoinc_lock_mode": 2,
    "default_storage_engine": "InnoDB",
    "character_set_server": "utf8mb4",
    # Three members share one machine: small, and nothing that a lab does not look at.
    "innodb_buffer_pool_size": "48M",
    "innodb_log_file_size": "64M",
    "innodb_log_buffer_size": "8M",
    "aria_pagecache_buffer_size": "4M",
    "key_buffer_size": "1M",
    "table_open_cache": 200,
    "table_definition_cache": 200,
    "performance_schema": "OFF",
    "max_connections": 64,
    "max_allowed_packet": "64M",
    "skip_name_resolve": "ON",
    "wsrep_on": "ON",
    "wsrep_cluster_name": "localgroup",
    "wsrep_sst_method": "rsync",
    "wsrep_slave_threads": 2,
}
PROVIDER_OPTIONS: dict[str, object] = {
    # A dead region holds up writes until it is suspected: seconds, and not the WAN manual's half minute.
    "evs.suspect_timeout": "PT3S",
    "evs.inactive_timeout": "PT10S",
    "evs.inactive_check_period": "PT1S",
    "evs.send_window": 512,
    "evs.user_send_window": 512,
    # All members that crashed together find their cluster again by themselves.
    "pc.recovery": "true",
    # What a member missed is replayed from here, without copying everything: an hour at 50 keyed writes a second is
    # 180,000 write-sets of 0.7 kB (`python -m tests.drills.away`). A mapped file: the kernel can have its pages back.
    "gcache.size": "256M",
    "gcache.recover": "yes",
}


PRIMARY, DISCONNECTED = "Primary", "Disconnected"
"""What a member says of its cluster (`wsrep_cluster_status`): it has a quorum; it left for good, and runs on."""
SILENT = ""
"""In place of it, of one that does not run, or not yet."""


class MemberSilent(ConnectionError):
    """The member does not run, or not yet."""


def provider() -> Path | None:
    """The replication library, where it is installed."""
    return next((path for path in PROVIDERS if path.exists()), None)


def installed() -> bool:
    return bool(shutil.which(SERVER) and shutil.which("rsync") and provider())


def data_folder(folder: Path) -> Path:
    return folder / "data"


def has_data(folder: Path) -> bool:
    return (data_folder(folder) / "ibdata1").exists()


def socket_path(folder: Path) -> Path:
    return folder / "mariadbd.sock"


def configuration_path(folder: Path) -> Path:
    return folder / "my.cnf"


def view_path(folder: Path) -> Path:
    """The last primary component that the member was of: what `pc.recovery` goes by."""
    return data_folder(folder) / "gvwstate.dat"


def cluster_address(regions: Iterable[Region]) -> str:
    return "gcomm://" + ",".join(f"{region.address}:{GALERA_GROUP}" for region in regions)


def configuration(folder: Path, region: Region, regions: Sequence[Region], *, user: str = USER) -> str:
    """A member's my.cnf, complete: the system's own is not read."""
    options = {
        "gmcast.listen_addr": f"tcp://{region.address}:{GALERA_GROUP}",
        "gmcast.segment": region.number,
        "ist.recv_addr": f"{region.address}:{GALERA_INCREMENTAL}",
        **PROVIDER_OPTIONS,
    }
    settings = {
        "user": user,
        "bind_address": region.address,
        "port": SQL,
        "server_id": region.number,
        "datadir": data_folder(folder),
        "tmpdir": folder / "tmp",
        "socket": socket_path(folder),
        "pid_file": folder / "mariadbd.pid",
        **SETTINGS,
        "wsrep_provider": provider() or PROVIDERS[0],
        "wsrep_provider_options": '"' + ";".join(f"{name}={value}" for name, value in options.items()) + '"',
        "wsrep_cluster_address": cluster_address(regions),
        "wsrep_node_name": region.node("galera"),
        "wsrep_node_address": region.address,
        "wsrep_sst_receive_address": f"{region.address}:{GALERA_STATE}",
    }
    return "[mariadbd]\n" + "".join(f"{name} = {value}\n" for name, value in settings.items())


def write_configuration(laboratory: Laboratory) -> None:
    for region in laboratory.regions:
        folder = laboratory.member(region)
        for path in (folder, data_folder(folder), folder / "tmp"):
            path.mkdir(parents=True, exist_ok=True)
            give(path)
        configuration_path(folder).write_text(configuration(folder, region, laboratory.regions))


def give(path: Path) -> None:
    """To the user that the server runs as."""
    account = pwd.getpwnam(USER)
    os.chown(path, account.pw_uid, account.pw_gid)


def create_data(folder: Path, log: Path) -> None:
    """The first member's system tables; the others receive theirs from it. Over the socket, whoever this is rules."""
    command = [
        "mariadb-install-db",
        f"--defaults-file={configuration_path(folder)}",
        f"--user={USER}",
        "--auth-root-authentication-method=socket",
        f"--auth-root-socket-user={ruler()}",
        "--skip-test-db",
        "--wsrep-on=OFF",
        "--force",  # a machine may not know its own name; nobody connects by name here
    ]
    run(command, log=log, timeout_seconds=CREATE_SECONDS)


def ruler() -> str:
    """Who may do everything over the socket of a member that was made here: root; in a container, the server's user."""
    return pwd.getpwuid(os.geteuid()).pw_name


def ask(folder: Path, *statements: str, answer_seconds: float = WRITE_SECONDS) -> list[tuple[Any, ...]]:
    """Rows of the last statement, asked over the member's socket. Raises MemberSilent, pymysql.MySQLError."""
    connection = pymysql.connect(
        user=ruler(), read_timeout=answer_seconds, autocommit=True, defer_connect=True, ssl_disabled=True
    )
    with open_socket(folder) as channel:
        connection.connect(channel)
        with connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())


def open_socket(folder: Path) -> socket.socket:
    """Ours rather than the driver's own, which stays open when nobody answers. Reached from its folder, however deep
    that lies: the path of a socket is of 107 characters at most."""
    path = socket_path(folder)
    channel = socket.socket(socket.AF_UNIX)
    channel.settimeout(SOCKET_SECONDS)
    try:
        with opened(path.parent) as descriptor:
            channel.connect(f"/proc/self/fd/{descriptor}/{path.name}")
    except OSError as error:
        channel.close()
        raise MemberSilent(f"nobody answers at {path}") from error
    return channel


@contextmanager
def opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def status(folder: Path) -> dict[str, str]:
    """What the member says of its cluster: `wsrep_` variables without the prefix; empty while nobody answers."""
    try:
        rows = ask(folder, "SHOW GLOBAL STATUS LIKE 'wsrep_%'", answer_seconds=SOCKET_SECONDS)
    except (MemberSilent, pymysql.MySQLError):
        return {}
    return {str(name).removeprefix("wsrep_").lower(): str(value) for name, value in rows}


def primary(folder: Path) -> bool:
    return status(folder).get("cluster_status") == "Primary"


def why_not_synced(folder: Path) -> str | None:
    """None when the member serves."""
    now = status(folder)
    if not now:
        return "does not answer yet"
    if now.get("cluster_status") != PRIMARY:
        return f"is {now.get('cluster_status', 'not in a cluster')}"
    if now.get("ready") != "ON" or now.get("local_state_comment") != "Synced":
        return f"is {now.get('local_state_comment', 'not ready')}"
    return None


def create_database(laboratory: Laboratory, region: Region) -> None:
    """Our database and its user, who may do anything there and nothing elsewhere. Harmless when they exist.

    The password is set anew: data that was restored may know another one."""
    ask(
        laboratory.member(region),
        f"CREATE DATABASE IF NOT EXISTS {DATABASE} CHARACTER SET utf8mb4",
        f"CREATE USER IF NOT EXISTS '{DATABASE_USER}'@'%' IDENTIFIED BY '{laboratory.password()}'",
        f"ALTER USER '{DATABASE_USER}'@'%' IDENTIFIED BY '{laboratory.password()}'",
        f"GRANT ALL PRIVILEGES ON {DATABASE}.* TO '{DATABASE_USER}'@'%'",
    )
