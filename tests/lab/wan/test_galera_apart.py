"""One cluster of databases across a WAN: a member a region."""

from __future__ import annotations

import time

import pymysql
import pytest

from lab import cluster, galera
from lab.readiness import wait_until
from lab.regions import Region
from lab.supervisor import Supervisor
from lab.trial import Trial

WRITE_SECONDS = 30
SUSPICION_SECONDS = 30
FARTHEST_SECONDS = 0.120
"""The round trip between the member that writes here and the farthest other."""

pytestmark = pytest.mark.servers


def write(trial: Trial, region: Region, value: int) -> float:
    """Seconds that the commit of one row took, once the cluster had made up its mind on who is there."""
    folder = trial.laboratory.member(region)
    seconds = 0.0

    def why_not() -> str | None:
        nonlocal seconds
        began = time.monotonic()
        try:
            galera.ask(folder, f"REPLACE INTO localgroup.apart VALUES ({value})")
        except (galera.MemberSilent, pymysql.MySQLError) as error:
            return str(error)
        seconds = time.monotonic() - began
        return None

    wait_until(why_not, deadline_seconds=WRITE_SECONDS)
    return seconds


def kept(trial: Trial, region: Region) -> set[int]:
    rows = galera.ask(
        trial.laboratory.member(region), "SET SESSION wsrep_sync_wait = 1", "SELECT value FROM localgroup.apart"
    )
    return {int(value) for (value,) in rows}


@pytest.fixture
def table(regions_apart: Trial) -> Trial:
    galera.ask(
        regions_apart.laboratory.member(regions_apart.regions[0]),
        "CREATE TABLE IF NOT EXISTS localgroup.apart (value INT PRIMARY KEY)",
    )
    return regions_apart


def test_a_commit_is_everywhere_and_takes_the_round_trip_to_the_farthest(table: Trial) -> None:
    near, _, far = table.regions

    seconds = write(table, far, 1)

    assert seconds >= FARTHEST_SECONDS
    assert 1 in kept(table, near)


def test_a_region_that_is_cut_off_refuses_while_the_others_write(table: Trial) -> None:
    near, _, far = table.regions
    table.links.cut_off(far.name)
    try:
        wait_until(
            lambda: "still primary" if galera.primary(table.laboratory.member(far)) else None,
            deadline_seconds=SUSPICION_SECONDS,
        )
        write(table, near, 2)
    finally:
        table.links.rejoin(far.name)

    cluster.wait_synced(table.laboratory, Supervisor(table.laboratory))
    assert 2 in kept(table, far)
