from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from migrations import schema

REPOSITORY = Path(__file__).resolve().parents[2]


def migrate(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "migrations", *arguments], capture_output=True, text=True, env=environment, timeout=60
    )


def test_upgrades_and_says_where_the_schema_is(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/trial.db"
    newest = schema.newest()
    assert migrate("schema", "current", "--to", url).stdout == f"schema at None, newest is {newest}\n"
    assert migrate("schema", "upgrade", "--to", url).stdout == f"schema at {newest}\n"
    said = migrate("schema", "current", LOCALGROUP_DATABASE_URL=url).stdout
    assert said == f"schema at {newest}, newest is {newest}\n"
    assert migrate("schema", "downgrade", "--to", url, "base").stdout == "schema at None\n"


def test_names_what_is_wrong_in_one_line() -> None:
    refused = migrate("schema", "upgrade", "--to", "postgresql://user:secret@127.0.1.1/localgroup")
    assert refused.returncode == 1
    assert refused.stderr == "migrate: the tables run on MySQL's family and on SQLite, not on postgresql\n"


def test_an_unknown_revision_is_an_error_of_one_line(tmp_path: Path) -> None:
    refused = migrate("schema", "downgrade", "--to", f"sqlite:///{tmp_path}/trial.db", "9999")
    assert refused.returncode == 1
    assert refused.stderr.startswith("migrate: ")
    assert "Traceback" not in refused.stderr


def test_lists_its_versions() -> None:
    versions = [line.split("  ")[0] for line in migrate("schema", "history").stdout.splitlines()]
    assert versions == sorted(versions, reverse=True)
    assert versions[-1] == "0001"
    assert len(versions) == len(list((REPOSITORY / "migrations" / "versions").glob("[0-9]*.py")))


def test_checks_the_tables_against_what_the_programs_expect(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/trial.db"
    migrate("schema", "upgrade", "--to", url)
    with closing(sqlite3.connect(tmp_path / "trial.db")) as database:
        database.execute("CREATE TABLE of_somebody_else (id INTEGER)")
        assert migrate("schema", "check", "--to", url).stdout == "0 differences\n"
        database.execute("ALTER TABLE documents DROP COLUMN digest")
        database.commit()
    differs = migrate("schema", "check", "--to", url)
    assert differs.returncode == 1
    assert "digest" in differs.stdout
