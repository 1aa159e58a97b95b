from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def migrate(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "migrations", *arguments], capture_output=True, text=True, env=environment, timeout=60
    )


def test_upgrades_and_says_where_the_schema_is(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/trial.db"
    assert migrate("schema", "current", "--to", url).stdout == "schema at None, newest is 0001\n"
    assert migrate("schema", "upgrade", "--to", url).stdout == "schema at 0001\n"
    assert migrate("schema", "current", LOCALGROUP_DATABASE_URL=url).stdout == "schema at 0001, newest is 0001\n"
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
