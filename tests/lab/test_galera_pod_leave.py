"""Leave to begin a cluster: for one state of one volume."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker.environment import BadEnvironment, read_environment
from lab.galera_pod import MemberSettings, has_leave, main, name_of
from lab.recovery import NOTHING, Position

HISTORY = "389395ae-e9e5-11f1-98a5-3f57d27383ad"


def test_an_empty_volume_is_always_the_same_and_no_other(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    assert name_of(one, NOTHING) == name_of(one, NOTHING) != name_of(other, NOTHING)


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        (f"{HISTORY}:9\n", True),
        (f"{HISTORY}:8", False),
        ("", False),
        (f"{HISTORY}:9 {HISTORY}:8", False),
        (None, False),
    ],
)
def test_leave_is_for_the_position_that_it_names(tmp_path: Path, given: str | None, allowed: bool) -> None:
    leave = tmp_path / "begin"
    if given is not None:
        leave.write_text(given)
    assert has_leave(leave, name_of(tmp_path, Position(HISTORY, 9))) is allowed


@pytest.mark.parametrize("password", ["short", "it's-a-statement-of-sixteen", "x" * 15])
def test_a_password_that_would_not_stay_one_is_refused(password: str) -> None:
    told = {
        "LOCALGROUP_REGION": "west",
        "LOCALGROUP_MEMBER_FOLDER": "/nowhere",
        "LOCALGROUP_MEMBER_LEAVE": "/nowhere/begin",
        "LOCALGROUP_MEMBER_PASSWORD": password,
    }
    with pytest.raises(BadEnvironment, match="LOCALGROUP_MEMBER_PASSWORD") as refused:
        read_environment(MemberSettings, told)
    assert password not in str(refused.value)


def test_says_what_it_is_not_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["galera_pod", "ready"])
    monkeypatch.setattr("os.environ", {})
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "LOCALGROUP_MEMBER_FOLDER" in capsys.readouterr().err
