"""A real cluster is copied while it is written to, restored, and decided about."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pymysql
import pytest

from lab import cluster, decisions, down, galera, up
from lab.backups.making import backups_folder, make
from lab.backups.manifest import read_manifest
from lab.backups.restoring import restore
from lab.checksums import checksums
from lab.programs import DATABASE
from lab.readiness import wait_until
from lab.recovery import read_state
from lab.supervisor import Supervisor
from lab.trial import Trial, trial

FIRST_ADDRESS = "127.77.44.1"
LOST_SECONDS = 30
DOCUMENTED_SECONDS = 60
"""What the guide promises for a majority that is lost, the noticing of it included."""
WRITE_SECONDS = 30
TOTAL = 200

pytestmark = pytest.mark.servers

_minutes = count(1_475_280_000, 60)
"""No two backups of one second."""


@pytest.fixture(scope="module")
def members() -> Iterator[Trial]:
    with trial(FIRST_ADDRESS, embedded=False, with_tiers=False) as found:
        yield found


@pytest.fixture
def running(members: Trial) -> Trial:
    """All in step, with two accounts that have the same sum at any time."""
    up.start_servers(members.laboratory)
    ask(members, 0, "CREATE TABLE IF NOT EXISTS localgroup.accounts (name VARCHAR(9) PRIMARY KEY, balance INT)")
    ask(members, 0, "REPLACE INTO localgroup.accounts VALUES ('a', 100), ('b', 100)")
    return members


def ask(running: Trial, number: int, *statements: str) -> list[tuple[object, ...]]:
    return galera.ask(running.laboratory.member(running.regions[number]), *statements)


def moved(running: Trial, number: int) -> int:
    """How much one account gave the other, who together have what they had."""
    wait = "SET SESSION wsrep_sync_wait = 1"
    ((total, given),) = ask(running, number, wait, "SELECT SUM(balance), 100 - MIN(balance) FROM localgroup.accounts")
    assert total == TOTAL
    return int(str(given))


def move(running: Trial, number: int) -> None:
    """In one statement, as a careful writer does."""
    change = "UPDATE localgroup.accounts SET balance = balance + IF(name = 'a', -1, 1)"

    def why_not() -> str | None:
        try:
            ask(running, number, change)
        except (galera.MemberSilent, pymysql.MySQLError) as error:
            return str(error)
        return None

    wait_until(why_not, deadline_seconds=WRITE_SECONDS)


@contextmanager
def moving(running: Trial, number: int) -> Iterator[list[int]]:
    """Somebody writes all the time, in a region; yields what was acknowledged."""
    over, acknowledged = threading.Event(), [0]

    def write() -> None:
        while not over.is_set():
            move(running, number)
            acknowledged[0] += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield acknowledged
    finally:
        over.set()
        writer.join()


def everywhere(running: Trial) -> list[dict[str, str]]:
    return [checksums(running.laboratory.member(region)) for region in running.regions]


def restart_from(running: Trial, backup: Path) -> None:
    control = Supervisor(running.laboratory)
    down.stop_databases(running.laboratory, control)
    restore(running.laboratory, backup, next(_minutes))
    up.start_servers(running.laboratory)


def test_a_restored_cluster_holds_what_the_backup_says_on_every_member(running: Trial, tmp_path: Path) -> None:
    deep = tmp_path / ("deep" * 20)  # more than the path of a socket may be long
    deep.mkdir()
    backup = make(running.laboratory, deep, next(_minutes))
    before = everywhere(running)
    move(running, 0)

    restart_from(running, backup)

    tables = read_manifest(backup).tables
    assert set(tables) == {"accounts"}
    assert before == everywhere(running) == [tables, tables, tables]
    assert (running.laboratory.state / "set-aside").is_dir()


def test_a_backup_made_while_others_write_is_of_one_moment(running: Trial, tmp_path: Path) -> None:
    with moving(running, 0) as acknowledged:
        wait_until(lambda: None if acknowledged[0] > 10 else "nobody writes", deadline_seconds=WRITE_SECONDS)
        at_least = acknowledged[0]
        backup = make(running.laboratory, tmp_path, next(_minutes))
        at_most = acknowledged[0] + 1

    restart_from(running, backup)

    assert at_least <= moved(running, 2) <= at_most
    assert at_least < at_most


def test_a_restored_cluster_has_a_history_of_its_own_and_survives_a_crash_of_all(running: Trial) -> None:
    backup = make(running.laboratory, backups_folder(running.laboratory), next(_minutes))
    before = read_state(running.laboratory.member(running.regions[0])).history
    restart_from(running, backup)
    move(running, 1)
    supervisor = int((running.laboratory.state / "supervisord.pid").read_text())
    for process_id in (supervisor, *map(running.process_id, running.programs(DATABASE))):
        os.kill(process_id, signal.SIGKILL)

    up.start_servers(running.laboratory)

    after = {read_state(running.laboratory.member(region)).history for region in running.regions}
    assert len(after) == 1
    assert before not in after
    assert [moved(running, number) for number in range(3)] == [1, 1, 1]


def test_the_survivor_of_a_lost_majority_goes_on_when_it_is_told_to(running: Trial) -> None:
    survivor, lost = running.regions[2], running.programs(DATABASE)[:2]
    began = time.monotonic()
    running.faults.kill_for_good(*lost)
    folder = running.laboratory.member(survivor)
    wait_until(
        lambda: "still has a majority" if galera.primary(folder) else None,
        deadline_seconds=LOST_SECONDS,
    )

    decisions.promote(running.laboratory, survivor)
    move(running, 2)
    assert time.monotonic() - began <= DOCUMENTED_SECONDS
    up.start_servers(running.laboratory)

    assert [moved(running, number) for number in range(3)] == [1, 1, 1]


def test_nobody_goes_on_alone_while_others_have_a_majority(running: Trial) -> None:
    with pytest.raises(decisions.BadDecision, match="serves"):
        decisions.promote(running.laboratory, running.regions[1])


def test_a_cluster_begins_from_the_member_that_somebody_relies_on(running: Trial) -> None:
    """Though another one went on further."""
    lab = running.laboratory
    running.stop(running.programs(DATABASE)[1])
    move(running, 0)

    moved_to = decisions.rely_on(lab, running.regions[1], next(_minutes))
    first = cluster.begin(lab, Supervisor(lab))
    cluster.wait_synced(lab, Supervisor(lab))

    assert first == running.regions[1]
    assert [moved(running, number) for number in range(3)] == [0, 0, 0]
    assert moved_to is not None
    assert sorted(path.name for path in (moved_to / "galera").iterdir()) == ["east", "west"]
