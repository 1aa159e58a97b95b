import stat
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from lab.laboratory import Laboratory
from lab.programs import names, programs
from lab.regions import regions_of
from lab.supervisor import Supervisor, configuration, write_configuration


@pytest.fixture
def laboratory(tmp_path: Path) -> Laboratory:
    return Laboratory(tmp_path, regions_of(), embedded=False)


def test_the_password_is_for_this_users_eyes_only(laboratory: Laboratory) -> None:
    write_configuration(laboratory)

    for path in (laboratory.supervisor_configuration, laboratory.state / "database-password"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert laboratory.password() in laboratory.supervisor_configuration.read_text()


def test_the_password_is_made_up_once(laboratory: Laboratory) -> None:
    assert laboratory.password() == laboratory.password()
    assert len(laboratory.password()) >= 32


def test_each_whirlpool_uses_its_own_regions_database(laboratory: Laboratory) -> None:
    hosts = {
        program.region.name: urlsplit(program.environment["LOCALGROUP_DATABASE_URL"]).hostname
        for program in programs(laboratory)
        if program.server == "whirlpool"
    }

    assert hosts == {"west": "127.0.1.1", "central": "127.0.2.1", "east": "127.0.3.1"}


def test_embedded_regions_share_one_file(tmp_path: Path) -> None:
    embedded = Laboratory(tmp_path, regions_of(), embedded=True)

    assert names(embedded, ["galera"]) == []
    urls = {program.environment.get("LOCALGROUP_DATABASE_URL") for program in programs(embedded)} - {None}
    assert urls == {f"sqlite+aiosqlite:///{tmp_path}/embedded/localgroup.db"}


def test_callers_are_stopped_before_those_they_call(laboratory: Laboratory) -> None:
    priorities = {program.name: program.priority for program in programs(laboratory)}
    order = sorted(priorities, key=priorities.__getitem__, reverse=True)

    assert [name.partition("-")[0] for name in order] == [
        *["andromeda"] * 3,
        *["messier"] * 3,
        *["whirlpool"] * 3,
        *["nats"] * 3,
        *["watch"] * 3,
        *["galera"] * 3,
    ]
    assert order[-1] == "galera-west-1"


def test_a_percent_sign_in_a_path_is_no_expansion(tmp_path: Path) -> None:
    laboratory = Laboratory(tmp_path / "100%", regions_of(), embedded=True)
    laboratory.state.mkdir()

    section = configuration(laboratory)["program:nats-west-1"]

    assert section["stdout_logfile"] == f"{tmp_path}/100%%/logs/nats-west-1.log"
    assert f"{tmp_path}/100%%/nats/west.conf" in section["command"]


def test_nobody_answers_before_the_start(laboratory: Laboratory) -> None:
    assert not Supervisor(laboratory).answers()
