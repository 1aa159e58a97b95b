from configparser import ConfigParser
from pathlib import Path

import pytest

from lab.galera import configuration
from lab.regions import regions_of

REGIONS = regions_of()


def written(number: int) -> dict[str, str]:
    parser = ConfigParser(interpolation=None)
    parser.read_string(configuration(Path("/state/galera/x"), REGIONS[number], REGIONS))
    return dict(parser["mariadbd"])


def provider_options(number: int) -> dict[str, str]:
    quoted = written(number)["wsrep_provider_options"]
    return dict(option.split("=", 1) for option in quoted.strip('"').split(";"))


def test_a_commit_is_on_disk_before_it_is_acknowledged() -> None:
    settings = written(0)

    assert (settings["innodb_flush_log_at_trx_commit"], settings["sync_binlog"]) == ("1", "1")


def test_the_server_does_not_run_as_root() -> None:
    assert written(0)["user"] == "mysql"


@pytest.mark.parametrize("number", range(3))
def test_a_member_listens_at_its_regions_address_only(number: int) -> None:
    address, settings, options = REGIONS[number].address, written(number), provider_options(number)

    assert (settings["bind_address"], settings["port"]) == (address, "3306")
    assert settings["wsrep_sst_receive_address"] == f"{address}:4444"
    assert options["gmcast.listen_addr"] == f"tcp://{address}:4567"
    assert options["ist.recv_addr"] == f"{address}:4568"


def test_each_region_is_a_segment_of_its_own() -> None:
    assert [provider_options(number)["gmcast.segment"] for number in range(3)] == ["1", "2", "3"]


def test_every_member_knows_all_members() -> None:
    assert {written(number)["wsrep_cluster_address"] for number in range(3)} == {
        "gcomm://127.0.1.1:4567,127.0.2.1:4567,127.0.3.1:4567"
    }


def test_the_death_of_a_region_holds_up_writes_for_seconds_only() -> None:
    assert provider_options(0)["evs.suspect_timeout"] == "PT3S"


def test_quorum_is_never_ignored() -> None:
    assert not [name for name in provider_options(0) if name.startswith("pc.ignore")]
