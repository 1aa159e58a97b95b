"""What regions in clusters need to know each other: made once, the same where it is shared, for their owner alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from broker.nats.credentials import CredentialsFile
from lab.cluster_secrets import write

Held = Mapping[str, Mapping[str, str]]
SHARED = ("mesh-authority", "nats-trust", "database")
OWN = ("whirlpool-credentials", "messier-credentials", "andromeda-credentials", "names-credentials")


def read(path: Path) -> Held:
    return {each["metadata"]["name"]: each["stringData"] for each in yaml.safe_load_all(path.read_text())}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "secrets"


def test_regions_share_what_they_trust_and_have_credentials_of_their_own(folder: Path) -> None:
    west, east = map(read, write(folder, ("west", "east")))
    assert all(west[name] == east[name] for name in SHARED)
    assert all(west[name] != east[name] for name in OWN)


def test_credentials_are_ones_that_a_tier_can_join_with(folder: Path, tmp_path: Path) -> None:
    west, *_ = map(read, write(folder, ("west",)))
    for name in OWN:
        path = tmp_path / f"{name}.creds"
        path.write_text(west[name]["mesh.creds"])
        assert CredentialsFile(path).answer("nonce")


def test_only_its_owner_can_read_any_of_it(folder: Path) -> None:
    assert [*write(folder, ("west",))]
    modes = {path.stat().st_mode & 0o077 for path in [folder, *folder.rglob("*")]}
    assert modes == {0}


def test_a_region_that_comes_later_changes_nobodys_credentials(folder: Path) -> None:
    before, *_ = map(read, write(folder, ("west",)))
    after, *_, north = map(read, write(folder, ("west", "north")))
    assert {name: after[name] for name in (*OWN, "mesh-authority", "database")} == {
        name: before[name] for name in (*OWN, "mesh-authority", "database")
    }
    assert after["nats-trust"] == north["nats-trust"] != before["nats-trust"]
