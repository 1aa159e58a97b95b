from pathlib import Path

import pytest

from lab.member import arguments, leave_to_begin
from tests.lab.test_recovery import HISTORY, LEFT_LAST


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "grastate.dat").write_text(LEFT_LAST)
    return tmp_path


def test_joins_from_where_it_was(folder: Path) -> None:
    assert arguments(folder) == [
        f"--defaults-file={folder}/my.cnf",
        f"--wsrep-start-position={HISTORY}:11",
    ]


def test_a_new_member_joins_with_nothing(tmp_path: Path) -> None:
    assert arguments(tmp_path) == [f"--defaults-file={tmp_path}/my.cnf"]


def test_leave_to_begin_is_used_once(folder: Path) -> None:
    leave_to_begin(folder).touch()

    assert "--wsrep-new-cluster" in arguments(folder)
    assert "--wsrep-new-cluster" not in arguments(folder)
