"""octoDNS itself takes what is rendered for it, without a network."""

from __future__ import annotations

from pathlib import Path

import pytest
from octodns.manager import Manager
from octodns.zone import Zone

from andromeda.dns.declaration import Declaration
from andromeda.dns.hosted import CONFIGURATION, FOLDER, PROVIDERS, configuration, files_of
from tests.andromeda.dns.declared import CENTRAL, EAST, WEST, three_regions

HERE = {**FOLDER, "directory": "./hosted"}
"""A provider that is a folder."""


@pytest.fixture
def rendered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hosted").mkdir()
    return tmp_path


def planned(folder: Path, declaration: Declaration) -> Zone:
    """What octoDNS would bring to the provider."""
    for path, content in files_of(declaration, "here", HERE).items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(content)
    manager = Manager(str(folder / CONFIGURATION))
    manager.validate_configs()
    zone = manager.get_zone("example.org.")
    manager.providers["declaration"].populate(zone)
    manager.sync(dry_run=False)
    return zone


def test_octodns_accepts_the_rendered_configuration_and_plans_every_record(rendered: Path) -> None:
    zone = planned(rendered, three_regions(west_weight=50))

    names = {(record.name, record._type) for record in zone.records}
    assert names == {(host, kind) for host in ("", "www") for kind in ("A", "AAAA")} | {
        ("west", "A"), ("central", "A"), ("east", "A"), ("east", "AAAA")
    }  # fmt: skip
    assert (rendered / "hosted" / "example.org.yaml").stat().st_size > 0


def test_regions_are_drawn_by_weight_and_checked_where_watchers_check(rendered: Path) -> None:
    zone = planned(rendered, three_regions(west_weight=50))
    record = next(record for record in zone.records if (record.name, record._type) == ("www", "A"))

    drawn = {each["value"]: each["weight"] for each in record.dynamic.pools["all"].data["values"]}
    assert drawn == {WEST: 50, CENTRAL: 100, EAST: 100}
    assert (record.ttl, record.healthcheck_path, record.healthcheck_port) == (10, "/readyz", 8080)
    assert (record.healthcheck_protocol, record.healthcheck_host()) == ("HTTP", "example.org")


def test_a_region_of_weight_0_is_not_drawn(rendered: Path) -> None:
    zone = planned(rendered, three_regions(west_weight=0))
    record = next(record for record in zone.records if (record.name, record._type) == ("www", "A"))

    assert set(record.values) == {CENTRAL, EAST}


def test_secrets_of_a_provider_are_left_to_its_environment() -> None:
    route53 = configuration(three_regions(), "route53", PROVIDERS["route53"])["providers"]["route53"]

    assert route53["class"] == "octodns_route53.Route53Provider"
    assert all(value.startswith("env/") for name, value in route53.items() if name != "class")
