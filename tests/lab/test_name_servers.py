import socket
from pathlib import Path

import pytest

from andromeda.dns.declaration import parse
from lab import name_servers
from lab.laboratory import Laboratory
from lab.name_servers import declared, open_to_others
from lab.programs import DNS, NAMES, names
from lab.regions import regions_of
from lab.resolver import configuration

FIRST_ADDRESS = "127.77.9.1"


@pytest.fixture
def laboratory(tmp_path: Path) -> Laboratory:
    return Laboratory(tmp_path, regions_of(FIRST_ADDRESS), embedded=True, dns=True)


def test_regions_are_declared_with_the_networks_that_they_are_near_to(laboratory: Laboratory) -> None:
    found = parse(declared(laboratory)).regions

    assert {name: [str(each) for each in region.networks] for name, region in found.items()} == {
        "west": ["127.77.9.0/24"],
        "central": ["127.77.10.0/24"],
        "east": ["127.77.11.0/24"],
    }


def test_each_region_has_a_watcher_and_a_name_server(laboratory: Laboratory) -> None:
    assert names(laboratory, [NAMES]) == ["names-west-1", "names-central-1", "names-east-1"]
    assert names(laboratory, [DNS]) == ["pdns-west-1", "pdns-central-1", "pdns-east-1"]


def test_a_laboratory_without_dns_has_neither(laboratory: Laboratory) -> None:
    without = Laboratory(laboratory.state, laboratory.regions, embedded=True)

    assert names(without, [NAMES, DNS]) == []


def test_a_folder_that_is_closed_to_others_is_known(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o700)
    (tmp_path / "closed" / "within").mkdir(mode=0o755)

    assert open_to_others(Path("/usr/lib"))
    assert not open_to_others(tmp_path / "closed" / "within")


def test_who_listens_at_every_address_leaves_regions_without_names(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as multicast_dns:
        multicast_dns.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        multicast_dns.bind(("0.0.0.0", 0))
        monkeypatch.setattr(name_servers, "DNS", multicast_dns.getsockname()[1])
        assert name_servers.held_everywhere()
    assert not name_servers.held_everywhere()


def test_a_resolver_asks_every_region(laboratory: Laboratory) -> None:
    told = configuration("127.77.9.9", laboratory.regions)

    assert [line for line in told.splitlines() if "stub-addr" in line] == [
        f"  stub-addr: {region.address}@5353" for region in laboratory.regions
    ]
