"""What may be declared, and how a mistake is told."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import pytest

from andromeda.dns.declaration import BadDeclaration, parse, read
from tests.andromeda.dns.declared import three_regions

SMALL = """
zone = "Example.org."
[regions.west]
addresses = ["192.0.2.1", "2001:db8::1"]
"""


def test_a_zone_and_one_region_are_enough() -> None:
    found = parse(SMALL)

    assert (found.zone, found.ttl_seconds, found.families) == ("example.org", 10, ("A", "AAAA"))
    assert found.regions["west"].name_server_addresses == (ip_address("192.0.2.1"), ip_address("2001:db8::1"))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (SMALL + "weight = -1", "regions.west.weight: "),
        (SMALL + 'networks = ["10.0.0.1/8"]', "regions.west.networks.0: 10.0.0.1/8 has host bits set"),
        (SMALL + "wieght = 1", "regions.west.wieght: Extra inputs"),
        (SMALL + "weight = 0", "at least one region needs a weight above 0"),
        (SMALL + '[regions.east]\naddresses = ["192.0.2.1"]', "address 192.0.2.1 stands in west and in east"),
        ('zone = "no zone"\n[regions.west]\naddresses = ["192.0.2.1"]', "zone: must be a domain name"),
        ('zone = "example.org"\n[regions]', "regions: "),
        ("zone = ", "not TOML: "),
    ],
)
def test_a_mistake_is_told_with_its_place(wrong: str, told: str) -> None:
    with pytest.raises(BadDeclaration) as found:
        parse(wrong)

    assert str(found.value).startswith(told)


def test_a_file_that_is_not_there_is_a_bad_declaration(tmp_path: Path) -> None:
    with pytest.raises(BadDeclaration, match="cannot be read"):
        read(tmp_path / "nothing.toml")


def test_a_network_belongs_to_one_region_only() -> None:
    with pytest.raises(BadDeclaration, match=r"network 198\.51\.100\.0/24 stands in west and in east"):
        three_regions(east_networks=["198.51.100.0/24"])
