"""A region whose database is that of Percona's operator: the overlay with its database's lines exchanged."""

from __future__ import annotations

import configparser
import shutil
from pathlib import Path

import pytest

from lab import galera
from tests.k8s.objects import named, of_kind
from tests.k8s.rendering import FOLDER, Manifests, render, team
from tests.k8s.test_configuration import APART, SIZES
from tests.k8s.test_schemas import objections


@pytest.fixture(scope="module")
def west(tmp_path_factory: pytest.TempPathFactory) -> Manifests:
    folder = tmp_path_factory.mktemp("percona") / "k8s"
    shutil.copytree(FOLDER, folder)
    overlay = folder / "overlays" / "west" / "kustomization.yaml"
    overlay.write_text(exchanged(overlay.read_text()))
    return render(overlay.parent)


def exchanged(text: str) -> str:
    kept = [line for line in text.splitlines() if "databases/galera/" not in line]
    return "\n".join(kept).replace("databases/galera", "databases/percona") + "\n"


def test_every_object_is_valid(west: Manifests) -> None:
    assert objections(west) == []


def test_nothing_is_left_of_the_other_database(west: Manifests) -> None:
    names = {(each["kind"], each["metadata"]["name"]) for each in west}
    assert {name for kind, name in names if "galera" in name} == {"galera"}
    assert ("PerconaXtraDBCluster", "database") in names


def test_whirlpool_and_the_schema_reach_it_and_nobody_else_does(west: Manifests) -> None:
    door = {"app.kubernetes.io/instance": "database", "app.kubernetes.io/component": "haproxy"}
    asking = {
        each["metadata"]["name"]
        for each in of_kind(west, "NetworkPolicy")
        for rule in each["spec"].get("egress", ())
        for peer in rule.get("to", ())
        if peer.get("podSelector", {}).get("matchLabels") == door
    }
    assert asking == {"whirlpool", "schema"}


def test_a_member_promises_what_one_of_make_up_promises(west: Manifests) -> None:
    spec = named(west, "PerconaXtraDBCluster", "database")["spec"]["pxc"]
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(spec["configuration"])
    settings = parser["mysqld"]
    durable = ("innodb_flush_log_at_trx_commit", "sync_binlog", "binlog_format", "innodb_autoinc_lock_mode")
    assert {name: settings[name] for name in durable} == {name: str(galera.SETTINGS[name]) for name in durable}
    options = dict(each.split("=", 1) for each in settings["wsrep_provider_options"].strip('"').split(";"))
    promised = {name: str(value) for name, value in galera.PROVIDER_OPTIONS.items() if name not in SIZES | APART}
    assert options.items() >= promised.items()


def test_what_the_team_says_is_there(west: Manifests) -> None:
    pxc = named(west, "PerconaXtraDBCluster", "database")["spec"]["pxc"]
    claim = pxc["volumeSpec"]["persistentVolumeClaim"]
    assert pxc["image"] == team()["image-percona"]
    assert claim["storageClassName"] == team()["storage-class"]


def test_the_overlay_that_is_exchanged_has_what_is_exchanged() -> None:
    text = (Path(FOLDER) / "overlays" / "west" / "kustomization.yaml").read_text()
    assert text.count("databases/galera") == 4
