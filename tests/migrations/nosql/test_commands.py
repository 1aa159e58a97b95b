from __future__ import annotations

import json
from pathlib import Path

from tests.migrations.nosql.dumps import write_dump
from tests.migrations.nosql.rethinkdb_server import running
from tests.migrations.nosql.test_load import PLAN, ROUND, things
from tests.migrations.test_cli import migrate


def test_a_dump_is_inspected_planned_loaded_and_verified(tmp_path: Path) -> None:
    dump = str(write_dump(tmp_path / "d.tar.gz", {"things": [ROUND, *things(20)]}))
    plan, url = str(tmp_path / "plan.toml"), f"sqlite:///{tmp_path}/t.db"
    assert "numeric text" in migrate("inspect", dump).stdout
    (table,) = json.loads(migrate("inspect", dump, "--format", "json").stdout)
    assert (table["table"], table["documents"]) == ("shop.things", 21)
    assert migrate("plan", dump, "--plan", plan).returncode == 0
    assert "CREATE TABLE things" in migrate("plan", dump, "--plan", plan).stdout
    assert migrate("load", dump, "--plan", plan, "--to", url, "--dry-run").returncode == 0
    assert not (tmp_path / "t.db").exists()
    done = migrate("load", dump, "--plan", plan, "--to", url)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "shop.things: 21 loaded, 0 in quarantine")
    assert migrate("verify", dump, "--plan", plan, "--to", url, "--full").returncode == 0


def test_quarantine_and_differences_have_exit_codes_of_their_own(tmp_path: Path) -> None:
    dump = str(write_dump(tmp_path / "d.tar.gz", {"things": [ROUND, ROUND | {"id": "b", "title": 7}]}))
    plan, url = tmp_path / "plan.toml", f"sqlite:///{tmp_path}/t.db"
    plan.write_text(PLAN)
    done = migrate("load", dump, "--plan", str(plan), "--to", url)
    assert done.returncode == 3
    assert "1 in quarantine: title: 7 is integer, not text" in done.stdout
    other = str(write_dump(tmp_path / "other.tar.gz", {"things": [ROUND | {"n": 6}]}))
    compared = migrate("verify", other, "--plan", str(plan), "--to", url)
    assert compared.returncode == 4
    assert "  a: differs in n" in compared.stdout


def test_following_ends_once_the_lag_is_small(tmp_path: Path) -> None:
    plan, url = tmp_path / "plan.toml", f"sqlite:///{tmp_path}/t.db"
    plan.write_text(PLAN)
    with running("shop", {"things": things(30)}) as server:
        where = ("--plan", str(plan), "--to", url)
        followed = migrate("follow", server.url(), *where, "--until-lag", "1s")
        assert (followed.returncode, followed.stdout) == (0, "0 changes applied, lag 0.0 s\n")
        assert migrate("verify", server.url(), *where, "--full").returncode == 0


def test_what_cannot_be_done_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "foreign.tar.gz").write_bytes(b"PK a zip")
    for arguments, said in (
        (("inspect", str(tmp_path / "none")), "there is no file or folder"),
        (("inspect", str(tmp_path / "foreign.tar.gz")), "foreign.tar.gz, byte "),
        (("inspect", "rethinkdb://127.0.0.1:1/shop"), "127.0.0.1:1/shop: Could not connect"),
        (("follow", str(tmp_path), "--to", "sqlite://"), "only a running RethinkDB can be followed"),
    ):
        refused = migrate(*arguments)
        assert refused.returncode == 1
        assert refused.stderr.startswith("migrate: ")
        assert said in refused.stderr
        assert "Traceback" not in refused.stderr
