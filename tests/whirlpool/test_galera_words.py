"""The members' own words, MariaDB Galera's and Percona XtraDB Cluster's, as their manuals list them."""

from __future__ import annotations

import pytest

from whirlpool.galera import QUEUE_LENGTH_MAX, burden, complaint, in_cluster, session_settings

MARIADB = {
    "read_only": "OFF",
    "wsrep_provider": "/usr/lib/galera/libgalera_smm.so",
    "wsrep_reject_queries": "NONE",
    "wsrep_ready": "ON",
    "wsrep_cluster_status": "Primary",
    "wsrep_local_state_comment": "Synced",
    "wsrep_local_recv_queue": "0",
}
PERCONA = MARIADB | {
    "wsrep_provider": "/usr/lib64/galera4/libgalera_smm.so",
    "super_read_only": "OFF",
    "pxc_maint_mode": "DISABLED",
}
ALONE = {"wsrep_provider": "none", "wsrep_ready": "OFF", "wsrep_cluster_status": "Disconnected", "read_only": "OFF"}
FAMILY = {"mariadb": MARIADB, "percona": PERCONA}


@pytest.mark.parametrize("member", FAMILY.values(), ids=FAMILY)
def test_a_member_in_step_with_its_cluster_has_no_complaint(member: dict[str, str]) -> None:
    assert in_cluster(member)
    assert complaint(member) is None
    assert burden(member) is None


@pytest.mark.parametrize("server", [ALONE, ALONE | {"wsrep_provider": ""}, {}])
def test_a_server_without_a_cluster_needs_none(server: dict[str, str]) -> None:
    assert not in_cluster(server)
    assert complaint(server) is None
    assert burden(server) is None


@pytest.mark.parametrize("member", FAMILY.values(), ids=FAMILY)
@pytest.mark.parametrize(
    ("said", "part_of_the_reason"),
    [
        ({"wsrep_cluster_status": "non-Primary"}, "no quorum"),
        ({"wsrep_cluster_status": "Disconnected"}, "no quorum"),
        ({"wsrep_local_state_comment": "Donor/Desynced"}, "Donor/Desynced"),
        ({"wsrep_local_state_comment": "Joining: receiving State Transfer"}, "receiving State Transfer"),
        ({"wsrep_local_state_comment": "Joined"}, "not in step"),
        ({"wsrep_local_state_comment": "Initialized"}, "not in step"),
        ({"wsrep_ready": "OFF"}, "does not accept queries"),
        ({"wsrep_reject_queries": "ALL"}, "rejects queries"),
        ({"wsrep_reject_queries": "ALL_KILL"}, "rejects queries"),
        ({"read_only": "ON"}, "read-only"),
    ],
)
def test_says_what_is_wrong_with_a_member(
    member: dict[str, str], said: dict[str, str], part_of_the_reason: str
) -> None:
    reason = complaint(member | said)
    assert reason is not None
    assert part_of_the_reason in reason


@pytest.mark.parametrize(
    ("said", "part_of_the_reason"),
    [
        ({"super_read_only": "ON"}, "read-only"),
        ({"pxc_maint_mode": "SHUTDOWN"}, "being maintained (SHUTDOWN)"),
        ({"pxc_maint_mode": "MAINTENANCE"}, "being maintained (MAINTENANCE)"),
    ],
)
def test_knows_what_only_percona_says(said: dict[str, str], part_of_the_reason: str) -> None:
    reason = complaint(PERCONA | said)
    assert reason is not None
    assert part_of_the_reason in reason


@pytest.mark.parametrize("mode", ["NO_LOCK", "NO_LOCK_NO_TRIGGER", "NO_LOCK_NO_TRIGGER_NO_LOCK"])
def test_knows_every_way_in_which_newer_mariadb_is_read_only(mode: str) -> None:
    assert complaint(MARIADB | {"read_only": mode}) == "the database is read-only"


@pytest.mark.parametrize("member", FAMILY.values(), ids=FAMILY)
def test_a_member_that_was_let_fall_behind_is_burdened_and_not_ill(member: dict[str, str]) -> None:
    behind = member | {"wsrep_local_recv_queue": str(QUEUE_LENGTH_MAX + 1)}
    assert complaint(behind) is None
    assert burden(behind) == "the database lags behind its cluster (65 changes wait)"
    assert burden(member | {"wsrep_local_recv_queue": str(QUEUE_LENGTH_MAX)}) is None


def test_each_server_skips_the_settings_of_the_other() -> None:
    """MariaDB runs comments marked `M!` and a version up to its own; MySQL those marked with a version alone.
    The latter's 8.0.0 lies below MariaDB's numbers, which skip 5.7.0 up to 9.99.99."""
    settings = session_settings(lock_seconds=3, statement_seconds=30.0, transaction_seconds=20.0)
    common, for_mariadb, for_percona = settings.replace("*/", "").replace("/*M!", "/*!").split("/*!")
    assert "wsrep_dirty_reads=ON" in common
    assert for_mariadb.strip() == "100300 , max_statement_time=30.0, idle_transaction_timeout=20"
    assert for_percona.strip() == "80000 , max_execution_time=30000"
