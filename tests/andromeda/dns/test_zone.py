"""What a name server is given to read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import dns.rdtypes.ANY.SOA
import dns.zone

from andromeda.dns import powerdns, zone
from andromeda.dns.declaration import Declaration
from tests.andromeda.dns.declared import CENTRAL, EAST, WEST, three_regions

FOLDER = Path("/somewhere")
TOML = f"""
zone = "example.org"
[regions.west]
addresses = ["{WEST}"]
"""


def lines(declaration: Declaration) -> list[str]:
    return zone.zone(declaration, FOLDER, serial=7).splitlines()


def parsed(declaration: Declaration) -> dns.zone.Zone:
    """Without the Lua records, which only PowerDNS knows."""
    return dns.zone.from_text("\n".join(line for line in lines(declaration) if " LUA " not in line))


def values(found: dns.zone.Zone, name: str, kind: str) -> set[str]:
    return {record.to_text() for record in found.find_rdataset(name, kind)}


def test_every_region_has_a_name_server_with_its_address() -> None:
    found = parsed(three_regions(west_name_servers=["192.0.2.53"]))

    assert values(found, "@", "NS") == {"ns-west", "ns-central", "ns-east"}
    assert values(found, "ns-west", "A") == {"192.0.2.53"}
    assert values(found, "ns-central", "A") == {CENTRAL}
    assert values(found, "ns-east", "AAAA") == {"2001:db8::3"}


def test_that_a_name_does_not_exist_is_remembered_for_seconds_only() -> None:
    (soa,) = parsed(three_regions()).find_rdataset("@", "SOA")

    assert isinstance(soa, dns.rdtypes.ANY.SOA.SOA)
    assert (soa.serial, soa.minimum) == (7, 5)


def test_each_region_has_a_name_of_its_own() -> None:
    found = parsed(three_regions())

    assert values(found, "east", "A") == {EAST}
    assert values(found, "east", "AAAA") == {"2001:db8::3"}


def test_names_that_stand_for_all_regions_are_answered_by_the_script() -> None:
    scripted = [line.split()[:4] for line in lines(three_regions()) if " LUA " in line]

    assert scripted == [[host, "IN", "LUA", family] for host in ("@", "www") for family in ("A", "AAAA")]


def test_a_family_without_addresses_has_no_record_at_all() -> None:
    declaration = three_regions(east_addresses=[EAST])

    assert not [line for line in lines(declaration) if "AAAA" in line]


def test_it_listens_at_every_address_of_either_family() -> None:
    addresses = powerdns.listening(three_regions(), "east", 53)

    assert f"local-address={EAST}:53,[2001:db8::3]:53\n" in powerdns.configuration(FOLDER, addresses)


def andromeda(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "andromeda", "dns", *arguments], capture_output=True, text=True)


def test_the_command_writes_everything_that_a_name_server_reads(tmp_path: Path) -> None:
    (tmp_path / "regions.toml").write_text(TOML)
    done = andromeda("render", str(tmp_path / "regions.toml"), "--region", "west", "--to", str(tmp_path / "west"))

    assert done.returncode == 0, done.stderr
    names = {path.name for path in (tmp_path / "west").iterdir()}
    assert names == {"pdns.conf", "named.conf", "zone", "declared.lua", "answer.lua"}


def test_the_command_says_what_is_wrong_with_a_declaration(tmp_path: Path) -> None:
    (tmp_path / "regions.toml").write_text(TOML + "weight = -1")
    done = andromeda("check", str(tmp_path / "regions.toml"))

    assert (done.returncode, done.stdout) == (2, "")
    assert "regions.west.weight: Input should be greater than or equal to 0" in done.stderr
