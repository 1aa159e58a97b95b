from __future__ import annotations

import stat
from pathlib import Path

import pytest

from broker import local_mesh
from broker.local_mesh import CREDENTIALS, TLS_CA, URLS, completed, tell

LOCAL = {
    URLS: "nats://127.0.1.1:4222,nats://127.0.2.1:4222",
    TLS_CA: "/state/ca.pem",
    CREDENTIALS: "/state/mesh.creds",
}


@pytest.fixture
def state(tmp_path: Path) -> dict[str, str]:
    tell(tmp_path, LOCAL)
    return {"LOCALGROUP_STATE": str(tmp_path)}


def test_tools_find_the_mesh_of_this_machine(state: dict[str, str]) -> None:
    assert completed(state) == state | LOCAL


def test_one_of_its_hubs_may_be_chosen(state: dict[str, str]) -> None:
    chosen = {URLS: "nats://127.0.2.1:4222"}
    assert completed(state | chosen) == state | LOCAL | chosen


@pytest.mark.parametrize("urls", ["nats://elsewhere:4222", "nats://127.0.1.1:4222,nats://elsewhere:4222"])
def test_its_credentials_are_not_shown_to_servers_elsewhere(state: dict[str, str], urls: str) -> None:
    assert completed(state | {URLS: urls}) == state | {URLS: urls}


def test_credentials_that_are_given_win(state: dict[str, str]) -> None:
    given = {CREDENTIALS: "/home/me.creds"}
    assert completed(state | given) == state | given


def test_an_empty_variable_counts_as_not_set(state: dict[str, str]) -> None:
    assert completed(state | {URLS: "", CREDENTIALS: ""}) == state | LOCAL


def test_where_nothing_runs_the_environment_is_all_there_is(tmp_path: Path) -> None:
    environ = {"LOCALGROUP_STATE": str(tmp_path), "HOME": "/root"}
    assert completed(environ) == environ


def test_what_is_left_for_tools_is_for_their_user_only(state: dict[str, str], tmp_path: Path) -> None:
    mode = (tmp_path / local_mesh.ENVIRONMENT_FILE).stat().st_mode
    assert stat.S_IMODE(mode) == 0o600
