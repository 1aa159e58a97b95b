"""A real cluster of three, at addresses of its own, and what is done to it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pymysql
import pytest

from lab import cluster, galera, hubs, up
from lab.programs import DATABASE
from lab.readiness import wait_until
from lab.recovery import NOTHING, UNDEFINED, read_state, write_state
from lab.status import resident_bytes
from lab.supervisor import Supervisor
from lab.trial import Trial, trial
from tests.drills.away import away

FIRST_ADDRESS = "127.77.34.1"
RECOVERY_SECONDS = 60
POWER_FAILURE_SECONDS = 120
"""What is promised."""
WRITE_SECONDS = 30
LEAVE_SECONDS = 10
AWAY_WRITESETS = 800
"""`python -m tests.drills.away` writes an hour's worth."""
STATEMENT_WORDS = 10_000
MEGABYTE = 1_000_000
MEMORY_LIMIT_BYTES = 600 * MEGABYTE

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def members() -> Iterator[Trial]:
    with trial(FIRST_ADDRESS, embedded=False, with_tiers=False) as found:
        yield found


@pytest.fixture
def running(members: Trial) -> Trial:
    """All in step, whatever the test before has done to them."""
    up.start_servers(members.laboratory)
    return members


def ask(running: Trial, number: int, *statements: str) -> list[tuple[object, ...]]:
    return galera.ask(running.laboratory.member(running.regions[number]), *statements)


def write(running: Trial, number: int, value: int) -> None:
    """As any writer must: again, while the cluster makes up its mind on who is gone."""
    statements = (
        "CREATE TABLE IF NOT EXISTS localgroup.kept (value INT PRIMARY KEY)",
        f"REPLACE INTO localgroup.kept VALUES ({value})",
    )

    def why_not() -> str | None:
        try:
            ask(running, number, *statements)
        except (galera.MemberSilent, pymysql.MySQLError) as error:
            return str(error)
        return None

    wait_until(why_not, deadline_seconds=WRITE_SECONDS)


def kept(running: Trial, number: int) -> set[object]:
    """Read after everything that was committed before anywhere."""
    rows = ask(running, number, "SET SESSION wsrep_sync_wait = 1", "SELECT value FROM localgroup.kept")
    return {value for (value,) in rows}


def histories(running: Trial) -> set[str]:
    """Once no table is being changed: until then a member says that it has none."""
    folders = [running.laboratory.member(region) for region in running.regions]

    def found() -> set[str]:
        return {read_state(folder).history for folder in folders}

    wait_until(lambda: "a table changes" if UNDEFINED in found() else None, deadline_seconds=WRITE_SECONDS)
    return found()


def replicated_bytes(running: Trial, number: int) -> int:
    ((_, found),) = ask(running, number, "SHOW STATUS LIKE 'wsrep_replicated_bytes'")
    return int(str(found))


def wait_synced(running: Trial) -> None:
    cluster.wait_synced(running.laboratory, Supervisor(running.laboratory))


def sizes(running: Trial) -> list[str]:
    return [galera.status(running.laboratory.member(region))["cluster_size"] for region in running.regions]


def test_three_members_are_one_cluster(running: Trial) -> None:
    assert sizes(running) == ["3", "3", "3"]


def test_three_hubs_are_one_super_cluster(running: Trial) -> None:
    assert [hubs.why_not_joined(region, running.regions) for region in running.regions] == [None, None, None]


def test_what_is_written_in_one_region_is_read_in_another(running: Trial) -> None:
    write(running, 0, 1)

    assert 1 in kept(running, 2)


def test_rows_travel_between_regions_without_the_statement_that_made_them(running: Trial) -> None:
    write(running, 0, 2)
    before = replicated_bytes(running, 0)
    ask(running, 0, f"REPLACE /* {'said ' * STATEMENT_WORDS} */ INTO localgroup.kept VALUES (3)")

    assert 0 < replicated_bytes(running, 0) - before < STATEMENT_WORDS


def test_three_members_take_little_memory(running: Trial) -> None:
    resident = [resident_bytes(running.process_id(name)) or 0 for name in running.programs(DATABASE)]

    assert min(resident) > 0
    assert sum(resident) < MEMORY_LIMIT_BYTES


def test_a_killed_member_comes_back_by_itself(running: Trial) -> None:
    killed = running.programs(DATABASE)[1]
    before = running.process_id(killed)
    running.kill(killed)
    wait_until(lambda: None if running.process_id(killed) not in (0, before) else "not restarted", deadline_seconds=10)
    write(running, 0, 2)

    wait_synced(running)

    assert 2 in kept(running, 1)


def test_a_member_that_left_joins_the_others_again(running: Trial) -> None:
    running.stop(running.programs(DATABASE)[0])
    write(running, 1, 3)

    cluster.begin(running.laboratory, Supervisor(running.laboratory))
    wait_synced(running)

    assert 3 in kept(running, 0)
    assert len(histories(running)) == 1


def test_a_member_that_was_away_is_sent_only_what_it_missed(running: Trial) -> None:
    up.upgrade_schema(running.laboratory)

    found = away(running, AWAY_WRITESETS)

    assert found.incremental
    assert found.received >= AWAY_WRITESETS


def test_all_members_killed_at_once_find_their_cluster_again(running: Trial) -> None:
    write(running, 0, 4)
    before = histories(running)
    running.kill(*running.programs(DATABASE))
    wait_until(lambda: "still there" if all_answer(running) else None, deadline_seconds=10)

    wait_until(lambda: None if all_answer(running) else "not all are back", deadline_seconds=RECOVERY_SECONDS)

    assert [4 in kept(running, number) for number in range(3)] == [True, True, True]
    assert histories(running) == before


def test_members_that_remember_different_views_become_one_cluster_again_by_themselves(running: Trial) -> None:
    """As of a member that was joining when all lost their power: none of them has a view that all others share."""
    write(running, 0, 7)
    before, faults = histories(running), running.faults
    faults.kill_for_good(*running.programs(DATABASE))
    for region in running.regions[1:]:
        galera.view_path(running.laboratory.member(region)).unlink()

    faults.start(*running.programs(DATABASE))
    wait_until(lambda: None if all_answer(running) else "not all are back", deadline_seconds=POWER_FAILURE_SECONDS)

    assert [7 in kept(running, number) for number in range(3)] == [True, True, True]
    assert histories(running) == before


def test_a_member_whose_rows_differ_is_filled_again_by_itself(running: Trial) -> None:
    """The others outvote it, and it leaves them."""
    write(running, 0, 8)
    ask(running, 1, "SET SESSION wsrep_on = 0", "DELETE FROM localgroup.kept WHERE value = 8")
    ask(running, 0, "UPDATE localgroup.kept SET value = 9 WHERE value = 8")
    left = running.laboratory.member(running.regions[1])
    wait_until(lambda: None if galera.why_not_synced(left) else "still there", deadline_seconds=LEAVE_SECONDS)

    wait_until(lambda: None if all_answer(running) else "not all are back", deadline_seconds=RECOVERY_SECONDS)

    assert [9 in kept(running, number) for number in range(3)] == [True, True, True]


def test_all_members_killed_while_a_table_changes_are_one_cluster_again(running: Trial) -> None:
    """Then none of them knows by itself what it has."""
    write(running, 0, 10)
    before, faults = histories(running), running.faults
    faults.kill_for_good(*running.programs(DATABASE))
    for region in running.regions:
        folder = running.laboratory.member(region)
        write_state(folder, NOTHING)
        galera.view_path(folder).unlink()

    faults.start(*running.programs(DATABASE))
    wait_until(lambda: None if all_answer(running) else "not all are back", deadline_seconds=POWER_FAILURE_SECONDS)

    assert [10 in kept(running, number) for number in range(3)] == [True, True, True]
    assert histories(running) == before


def all_answer(running: Trial) -> bool:
    return all(galera.why_not_synced(running.laboratory.member(region)) is None for region in running.regions)


def test_all_members_stopped_begin_again_from_the_last(running: Trial) -> None:
    write(running, 0, 5)
    before = histories(running)
    for name in reversed(running.programs(DATABASE)):
        running.stop(name)

    first = cluster.begin(running.laboratory, Supervisor(running.laboratory))
    wait_synced(running)

    assert first == running.regions[0]
    assert 5 in kept(running, 2)
    assert histories(running) == before


def test_after_a_power_failure_the_most_advanced_begins_again(running: Trial) -> None:
    write(running, 1, 6)
    before = histories(running)
    supervisor = int((running.laboratory.state / "supervisord.pid").read_text())
    for process_id in (supervisor, *map(running.process_id, running.programs(DATABASE))):
        os.kill(process_id, signal.SIGKILL)

    up.start_servers(running.laboratory)

    assert [6 in kept(running, number) for number in range(3)] == [True, True, True]
    assert histories(running) == before
    assert sizes(running) == ["3", "3", "3"]
