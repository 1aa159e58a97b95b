from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from migrations.nosql import follow
from migrations.nosql.following import Following
from migrations.nosql.plan_file import read
from migrations.nosql.run import Job
from migrations.nosql.sources.live import Live, SourceLost
from migrations.nosql.sources.opening import open_source
from migrations.nosql.spool import Change, Spool
from migrations.nosql.target import reached
from migrations.nosql.verify import verify
from tests.migrations.nosql.rethinkdb_server import Server, running
from tests.migrations.nosql.test_load import PLAN, quiet, things
from tests.waiting import eventually

pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
"""The driver forgets to close a connection that the other side has shut."""

WAIT_SECONDS = 30.0
"""For a machine that does much else."""


@contextmanager
def followed(server: Server, url: str, password: str = "") -> Iterator[tuple[Job, Following]]:
    with reached(url) as engine:
        source = Live(server.url(password))
        job = Job.of(source, read(PLAN), engine)
        following = Following(job, source)
        thread = threading.Thread(target=following.run)
        thread.start()
        try:
            yield job, following
        finally:
            following.stop()
            thread.join()


def has_scanned(following: Following, times: int) -> bool:
    return following.scans() >= times


def same(job: Job) -> bool:
    return all(verdict.same for verdict in verify(job, full=True))


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "AGAIN_SECONDS", 0.01)


async def test_a_live_source_is_loaded_in_the_order_of_its_keys_and_resumed(tmp_path: Path) -> None:
    with (
        running("shop", {"things": things(100)}, password="p:w") as server,
        reached(f"sqlite:///{tmp_path}/t.db") as engine,
    ):
        job = Job.of(open_source(server.url("p%3Aw")), read(PLAN), engine)
        assert job.load(quiet, limit=30)[0].position == '"k35"'
        assert job.load(quiet)[0].loaded == 100
        assert same(job)


async def test_a_wrong_password_is_told_in_one_line(tmp_path: Path) -> None:
    with running("shop", {"things": []}, password="right") as server, pytest.raises(SourceLost, match="Wrong password"):
        open_source(server.url("wrong")).tables()


async def test_what_changes_while_the_table_is_copied_arrives(fresh_database: Callable[[], str]) -> None:
    with running("shop", {"things": things(200)}) as server:

        def meanwhile() -> None:
            server.put("things", {"id": "k0", "n": -1, "tags": ["new"]})
            server.put("things", {"id": "k99", "n": -2})
            server.remove("things", "k1")
            server.remove("things", "k98")
            server.put("things", {"id": "a first one", "n": 7})

        server.during_scan = meanwhile
        with followed(server, fresh_database()) as (job, following):
            await eventually(lambda: following.is_within(1.0), WAIT_SECONDS)
            assert same(job)


async def test_changes_after_the_copy_are_applied(fresh_database: Callable[[], str]) -> None:
    with running("shop", {"things": things(10)}) as server, followed(server, fresh_database()) as (job, following):
        await eventually(lambda: following.is_within(1.0), WAIT_SECONDS)
        for number in range(2):
            server.put("things", {"id": "k3", "n": str(number), "tags": ["a", "b"]})
            server.remove("things", "k4")
            server.put("things", {"id": "new", "n": 1})
        await eventually(lambda: following.applied() >= 4, WAIT_SECONDS)
        assert same(job)


async def test_a_document_that_stops_fitting_leaves_its_table_for_quarantine_and_may_return(tmp_path: Path) -> None:
    with (
        running("shop", {"things": things(3)}) as server,
        followed(server, f"sqlite:///{tmp_path}/t.db") as (job, following),
    ):
        await eventually(lambda: following.is_within(1.0), WAIT_SECONDS)

        def found() -> tuple[list[Any], list[Any]]:
            with job.engine.connect() as connection:
                left = connection.execute(sa.text("SELECT id FROM things ORDER BY id")).scalars().all()
                why = connection.execute(sa.text("SELECT reason FROM migrate_quarantine")).scalars().all()
            return list(left), list(why)

        server.put("things", {"id": "k1", "n": "many"})
        await eventually(lambda: found() == (["k0", "k2"], ['n: "many" is text, not a number']), WAIT_SECONDS)
        server.put("things", {"id": "k1", "n": 2})
        await eventually(lambda: found() == (["k0", "k1", "k2"], []), WAIT_SECONDS)


async def test_a_lost_connection_is_followed_by_a_scan_that_finds_what_was_missed(
    fresh_database: Callable[[], str],
) -> None:
    with running("shop", {"things": things(150)}) as server, followed(server, fresh_database()) as (job, following):
        await eventually(lambda: following.is_within(1.0), WAIT_SECONDS)
        for number in range(3):
            server.cut()
            server.remove("things", f"k{number}")
            server.put("things", {"id": f"k{number + 50}", "n": -number})
            server.put("things", {"id": f"new {number}"})
            await eventually(partial(has_scanned, following, number + 2), WAIT_SECONDS)
        await eventually(lambda: following.is_within(1.0), WAIT_SECONDS)
        assert same(job)


def test_changes_wait_on_disk_in_order_and_tell_the_age_of_the_oldest() -> None:
    spool = Spool()
    assert (spool.age(100.0), spool.take(5)) == (0.0, [])
    for second in range(1, 4):
        spool.put(Change(float(second), None, {"id": second}))
    assert [change.arrived for change in spool.take(2)] == [1.0, 2.0]
    assert spool.age(10.0) == 9.0
    assert [change.arrived for change in spool.take(2)] == [1.0, 2.0]
    spool.done()
    assert spool.age(10.0) == 7.0
    assert [change.new for change in spool.take(9)] == [{"id": 3}]
    spool.done()
    assert spool.age(10.0) == 0.0
    spool.close()
