"""Hubs and databases run with what `make up` gives them, wherever it is a promise; and real servers take it."""

from __future__ import annotations

import configparser
import json
import re
import subprocess
from pathlib import Path

import pytest
import trustme
import yaml

from lab import cluster_secrets, galera, nats
from lab.laboratory import executable
from lab.regions import regions_of
from tests.k8s.objects import command_line, container, named, of_kind
from tests.k8s.rendering import REGIONS, Manifests, region_manifests

SIZES = {
    "innodb_buffer_pool_size",
    "innodb_log_file_size",
    "innodb_log_buffer_size",
    "aria_pagecache_buffer_size",
    "key_buffer_size",
    "table_open_cache",
    "table_definition_cache",
    "performance_schema",
    "max_connections",
    "wsrep_slave_threads",
    "gcache.size",
}
"""A laboratory is small."""
APART = {"wsrep_sst_method"}
"""Between regions a copy is encrypted, and its donor goes on serving."""
HUB_ALIKE = (
    "max_payload",
    "max_pending",
    "max_connections",
    "write_deadline",
    "ping_interval",
    "lame_duck_grace_period",
    "lame_duck_duration",
)
CHECK_SECONDS = 60
POLL_SECONDS = 0.05


def text_of(manifests: Manifests, key: str) -> str:
    return next(str(each["data"][key]) for each in of_kind(manifests, "ConfigMap") if key in each["data"])


def member_settings(manifests: Manifests) -> dict[str, str]:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(text_of(manifests, "my.cnf"))
    return dict(parser["mariadbd"])


def provider_options(manifests: Manifests) -> dict[str, str]:
    found = next(each for each in command_line(container(manifests, "galera")) if "provider-options" in each)
    return dict(option.split("=", 1) for option in found.split("=", 1)[1].strip().split(";"))


def test_a_member_promises_what_a_member_of_make_up_promises() -> None:
    settings = member_settings(region_manifests("west"))
    promised = {name: str(value) for name, value in galera.SETTINGS.items() if name not in SIZES | APART}
    assert {name: settings.get(name) for name in promised} == promised


def test_a_member_suspects_and_recovers_as_one_of_make_up_does() -> None:
    options = provider_options(region_manifests("west"))
    promised = {name: str(value) for name, value in galera.PROVIDER_OPTIONS.items() if name not in SIZES}
    assert {name: options.get(name) for name in promised} == promised
    assert options["socket.ssl"] == "yes"


def test_a_hub_is_as_patient_as_one_of_make_up() -> None:
    text = text_of(region_manifests("west"), "nats.conf")
    west, *_ = regions_of()
    made = json.loads(nats.configuration(west, regions_of(), {}, {}))
    ours = {name: re.search(rf'^{name}: "?([^"\n]+)"?$', text, re.MULTILINE) for name in HUB_ALIKE}
    assert {name: found and found[1] for name, found in ours.items()} == {name: str(made[name]) for name in HUB_ALIKE}


@pytest.mark.parametrize("region", REGIONS)
def test_a_real_hub_takes_its_configuration_and_the_trust_that_we_make(region: str, tmp_path: Path) -> None:
    configuration = write_hub(region_manifests(region), region, tmp_path)
    environment = {"LOCALGROUP_REGION": region, "NAME": f"{region}-nats-0", "GATEWAY": f"nats-{region}:7222"}
    done = subprocess.run(
        [executable("nats-server"), "--config", str(configuration), "-t"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=CHECK_SECONDS,
    )
    assert done.returncode == 0, done.stderr


def write_hub(manifests: Manifests, region: str, folder: Path, kept: Path | None = None) -> Path:
    """As its container has it. `kept`: the folder of secrets, where several hubs share them."""
    *_, secrets = (path for path in cluster_secrets.write(kept or folder / "secrets", REGIONS) if path.stem == region)
    held = {each["metadata"]["name"]: each["stringData"] for each in yaml.safe_load_all(secrets.read_text())}
    for name in ("trust", "tls"):
        (folder / name).mkdir()
    (folder / "trust" / "trust.conf").write_text(held["nats-trust"]["trust.conf"])
    authority = trustme.CA.from_pem(
        held["mesh-authority"]["tls.crt"].encode(), held["mesh-authority"]["tls.key"].encode()
    )
    made = authority.issue_cert(*named(manifests, "Certificate", "nats")["spec"]["dnsNames"])
    authority.cert_pem.write_to_path(folder / "tls" / "ca.crt")
    made.private_key_and_cert_chain_pem.write_to_path(folder / "tls" / "tls.key")
    made.private_key_and_cert_chain_pem.write_to_path(folder / "tls" / "tls.crt")
    path = folder / "nats.conf"
    path.write_text(text_of(manifests, "nats.conf").replace("/etc/nats/", f"{folder}/"))
    return path
