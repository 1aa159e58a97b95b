"""The commands as people run them, on embedded storage: real processes, at addresses of their own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from lab.laboratory import Laboratory, remembered
from lab.ports import still_taken
from lab.regions import regions_of
from lab.strays import strays
from lab.supervisor import Supervisor

FIRST_ADDRESS = "127.77.31.1"
COMMAND_SECONDS = 120

pytestmark = pytest.mark.servers


class Commands:
    """`python -m lab` with a state folder of its own."""

    def __init__(self, state: Path) -> None:
        self.laboratory = Laboratory(state, regions_of(FIRST_ADDRESS), embedded=True)
        self._environment = os.environ | {
            "LOCALGROUP_EMBEDDED": "1",
            "LOCALGROUP_FIRST_ADDRESS": FIRST_ADDRESS,
            "LOCALGROUP_STATE": str(state),
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "lab", *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
        )

    def output(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def process_ids(self) -> dict[str, int]:
        return {name: process.pid for name, process in Supervisor(self.laboratory).processes().items()}


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    found = Commands(tmp_path_factory.mktemp("state"))
    yield found
    found.run("reset", "--confirm")


@pytest.fixture
def up(commands: Commands) -> Commands:
    commands.output("up")
    return commands


@pytest.fixture
def down(commands: Commands) -> Commands:
    commands.output("down")
    return commands


def test_up_makes_every_region_serve_the_sample(up: Commands) -> None:
    for region in up.laboratory.regions:
        answer = httpx.get(f"{region.public_url}/slugsurvival/data/fetch/terms")
        assert answer.status_code == 200
        assert answer.headers["X-Served-By"] == f"andromeda-{region.name}-1"
        assert len(answer.json()) > 1


def test_up_says_in_one_line_that_storage_is_embedded(down: Commands) -> None:
    said = [line for line in down.output("up").splitlines() if "embedded" in line]

    assert said == ["embedded storage, one SQLite file for all regions: LOCALGROUP_EMBEDDED asks for it"]
    assert "embedded storage" in down.output("status")


def test_up_shows_where_to_look(up: Commands) -> None:
    shown = up.output("up")

    for region in up.laboratory.regions:
        assert region.public_url in shown
    assert shown.count("│ ready") == 3


def test_up_twice_is_harmless(up: Commands) -> None:
    before = up.process_ids()

    up.output("up")

    assert up.process_ids() == before


def test_up_starts_what_was_stopped_meanwhile(up: Commands) -> None:
    Supervisor(up.laboratory).stop(["messier-west-1", "nats-east-1"])

    assert up.output("up").count("│ ready") == 3


def test_status_shows_every_process_and_what_it_objects_to(up: Commands) -> None:
    shown = up.output("status")

    for name in up.process_ids():
        row = next(line for line in shown.splitlines() if name in line)
        assert "running" in row
        assert "ready" in row


def test_status_fails_while_nothing_runs(down: Commands) -> None:
    assert down.run("status").returncode == 1


def test_down_leaves_no_process_and_no_open_port(up: Commands) -> None:
    started = up.process_ids().values()

    shown = up.output("down")

    assert "no process and no open port is left" in shown
    assert strays(up.laboratory) == []
    assert not [process_id for process_id in started if Path(f"/proc/{process_id}").exists()]
    assert still_taken(up.laboratory) == []


def test_down_twice_is_harmless(down: Commands) -> None:
    assert "nothing runs" in down.output("down")


def test_down_ends_what_lost_its_supervisor(up: Commands) -> None:
    os.kill(int((up.laboratory.state / "supervisord.pid").read_text()), signal.SIGKILL)

    up.output("down")

    assert strays(up.laboratory) == []
    assert still_taken(up.laboratory) == []


def test_up_refuses_to_start_beside_a_stranger(down: Commands) -> None:
    taken = (down.laboratory.regions[2].address, 4222)
    with socket.create_server(taken):
        refused = down.run("up")

    assert refused.returncode == 1
    assert f"{taken[0]}:{taken[1]}" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert strays(down.laboratory) == []


def test_data_stays_when_everything_is_stopped(up: Commands) -> None:
    up.output("down")

    assert "loading" not in up.output("up")
    assert httpx.get(f"{up.laboratory.regions[1].public_url}/slugsurvival/data/fetch/terms").status_code == 200


def backup_of(running: Commands) -> Path:
    return Path(running.output("backup").splitlines()[-1].partition(": ")[2])


def test_a_backup_outlives_a_reset_and_brings_everything_back(up: Commands) -> None:
    terms = f"{up.laboratory.regions[2].public_url}/slugsurvival/data/fetch/terms"
    before = httpx.get(terms).content
    backup = backup_of(up)
    up.output("reset", "--confirm")

    up.output("restore", str(backup))

    assert "loading" not in up.output("up")
    assert httpx.get(terms).content == before
    shutil.rmtree(backup.parent)


def test_nothing_is_restored_into_what_runs(up: Commands) -> None:
    backup = backup_of(up)

    refused = up.run("restore", str(backup))

    assert "make down" in refused.stderr
    assert refused.returncode == 1
    shutil.rmtree(backup.parent)


def test_recover_starts_everything_again(down: Commands) -> None:
    assert down.output("recover").count("│ ready") == 3


def test_reset_erases_the_data(up: Commands) -> None:
    up.output("reset", "--confirm")

    assert not up.laboratory.state.exists()
    assert remembered(up.laboratory.state) is None
    assert still_taken(up.laboratory) == []


def test_reset_asks_first(up: Commands) -> None:
    assert up.run("reset").returncode != 0
    assert up.laboratory.state.exists()
