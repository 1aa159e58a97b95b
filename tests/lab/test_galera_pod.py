"""Members as containers run them: with the arguments, the configuration and the probes of `k8s/`, on real servers.

Each has an address of this machine in place of its pod's; the servers run as the user that a container has.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import pymysql
import pytest
import trustme

from lab.galera import USER, view_path
from lab.laboratory import DATABASE, DATABASE_USER
from lab.recovery import read_state
from lab.regions import SQL
from tests.k8s.objects import command_line, container, of_kind
from tests.k8s.rendering import region_manifests

ADDRESSES = {"west": "127.77.31.1", "central": "127.77.32.1"}
PASSWORD = "a-password-of-a-trial"
COPY_PORT = 24_444
"""A copy is received at every address of a pod, which here has those of other tests' members too."""
READY_SECONDS = 120.0
POLL_SECONDS = 0.1
REPOSITORY = Path(__file__).parents[2]


@dataclass
class Member:
    folder: Path
    region: str
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def log(self) -> Path:
        return self.folder / f"start-{self.starts}.log"

    @property
    def leave(self) -> Path:
        return self.folder / "leave"

    def start(self) -> None:
        self.starts += 1
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self._as_pod("run", *arguments(self)), stdout=log, stderr=log, env=self.told
            )

    def end(self, number: int = signal.SIGKILL) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(READY_SECONDS)
            self.process = None

    @property
    def told(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(REPOSITORY),
            "TMPDIR": str(self.folder / "tmp"),
            "LOCALGROUP_REGION": self.region,
            "LOCALGROUP_MEMBER_FOLDER": str(self.folder),
            "LOCALGROUP_MEMBER_LEAVE": str(self.leave),
            "LOCALGROUP_MEMBER_PASSWORD": PASSWORD,
        }

    def asked(self, probe: str) -> int:
        return subprocess.run(self._as_pod(probe), env=self.told, capture_output=True, timeout=30).returncode

    def position(self) -> str | None:
        """What it said of itself at its last start."""
        for line in self.log.read_text(errors="replace").splitlines():
            if line.startswith("position: "):
                return line.removeprefix("position: ")
        return None

    def sql(self, *statements: str) -> list[tuple[object, ...]]:
        """As whirlpool asks it."""
        with (
            pymysql.connect(
                host=ADDRESSES[self.region],
                port=SQL,
                user=DATABASE_USER,
                password=PASSWORD,
                database=DATABASE,
                autocommit=True,
            ) as connection,
            connection.cursor() as cursor,
        ):
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def _as_pod(self, *verbs: str) -> list[str]:
        become = [
            "setpriv",
            f"--reuid={USER}",
            f"--regid={USER}",
            "--clear-groups",
            "--no-new-privs",
            "--inh-caps=-all",
            "--pdeathsig=TERM",  # none outlives the tests, however they end
        ]
        return [*become, sys.executable, "-m", "lab.galera_pod", *verbs]


def arguments(member: Member) -> list[str]:
    """The container's own, where its pod's names are addresses of this machine."""
    _, *given = command_line(container(region_manifests(member.region), "galera"))[3:]
    address, number = ADDRESSES[member.region], str([*ADDRESSES].index(member.region) + 1)
    for old, new in (
        ("galera-$(LOCALGROUP_REGION)", address),
        ("$(NUMBER)", number),
        ("0.0.0.0", address),
        (":4444", f":{COPY_PORT}"),
        ("/etc/galera/tls", str(member.folder / "tls")),
        ("gcache.size=1G", "gcache.size=32M"),
    ):
        given = [each.replace(old, new).strip() for each in given]
    return given


def write_configuration(member: Member, authority: trustme.CA) -> None:
    text = next(
        each["data"]["my.cnf"]
        for each in of_kind(region_manifests(member.region), "ConfigMap")
        if "my.cnf" in each["data"]
    )
    members = ",".join(f"{address}:4567" for address in ADDRESSES.values())
    for old, new in (
        ("galera-west:4567,galera-central:4567,galera-east:4567", members),
        ("/var/lib/galera", str(member.folder)),
        ("/etc/galera/tls", str(member.folder / "tls")),
        ("bind_address = 0.0.0.0", f"bind_address = {ADDRESSES[member.region]}"),
        ("innodb_buffer_pool_size = 2G", "innodb_buffer_pool_size = 48M"),
        ("innodb_log_file_size = 512M", "innodb_log_file_size = 64M"),
    ):
        assert old in text
        text = text.replace(old, new)
    (member.folder / "my.cnf").write_text(text)
    # A copy's donor wants this name of a receiver on its own machine.
    made = authority.issue_cert(f"galera-{member.region}", ADDRESSES[member.region], common_name="localhost")
    tls = member.folder / "tls"
    tls.mkdir()
    authority.cert_pem.write_to_path(tls / "ca.crt")
    made.cert_chain_pems[0].write_to_path(tls / "tls.crt")
    made.private_key_pem.write_to_path(tls / "tls.key")


@pytest.fixture
def members() -> Iterator[tuple[Member, Member]]:
    folder, authority = Path(mkdtemp(prefix="localgroup-pods-")), trustme.CA()
    folder.chmod(0o755)
    made = [Member(folder / region, region) for region in ADDRESSES]
    try:
        for member in made:
            member.folder.mkdir()
            write_configuration(member, authority)
            subprocess.run(["chown", "-R", f"{USER}:{USER}", str(member.folder)], check=True)
        yield made[0], made[1]
    finally:
        for member in made:
            member.end()
        rmtree(folder)


def wait_until(condition: Callable[[], bool], member: Member) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not condition():
        ended = member.process is not None and member.process.poll() is not None
        assert time.monotonic() < deadline and not ended, member.log.read_text(errors="replace")[-4000:]  # noqa: PT018
        time.sleep(POLL_SECONDS)


def wait_until_ready(member: Member) -> None:
    wait_until(lambda: member.asked("ready") == 0, member)


def give_leave(member: Member, position: str | None) -> None:
    assert position is not None
    member.leave.write_text(position + "\n")


def test_members_begin_with_leave_alone_and_lose_nothing_when_all_are_killed(members: tuple[Member, Member]) -> None:
    west, central = members

    # An empty member does not begin by itself, and says what leave it would take.
    west.start()
    wait_until(lambda: west.position() is not None, west)
    assert str(west.position()).startswith("empty:")
    assert west.asked("alive") != 0
    west.end()
    give_leave(west, west.position())
    west.start()
    wait_until_ready(west)
    west.sql("CREATE TABLE kept (number INT PRIMARY KEY)", "INSERT INTO kept VALUES (1)")

    # Another is filled by it, through TLS.
    central.start()
    wait_until_ready(central)
    central.sql("INSERT INTO kept VALUES (2)")
    assert west.sql("SET wsrep_sync_wait=1", "SELECT COUNT(*) FROM kept") == [(2,)]

    # Leave that was given once is worth nothing after a commit: the member joins what there is.
    west.end(signal.SIGTERM)
    west.start()
    wait_until_ready(west)
    assert west.sql("SHOW STATUS LIKE 'wsrep_cluster_size'") == [("wsrep_cluster_size", "2")]

    # All are killed. Whoever came furthest gets leave, and all that was acknowledged is there.
    west.end()
    central.end()
    assert read_state(west.folder).seqno == read_state(central.folder).seqno == -1
    view_path(west.folder).unlink(missing_ok=True)
    view_path(central.folder).unlink(missing_ok=True)
    central.start()
    wait_until(lambda: central.position() is not None, central)
    found = central.position()
    central.end()
    give_leave(central, found)
    central.start()
    wait_until_ready(central)
    west.start()
    wait_until_ready(west)
    assert west.sql("SELECT COUNT(*) FROM kept") == [(2,)]
    assert "beginning the cluster" not in west.log.read_text(errors="replace")
