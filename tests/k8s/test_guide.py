"""docs/kubernetes.md speaks of what is there: its paths, its figures, its ports, and the words that programs say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab import galera_pod
from migrations import schema
from tests.k8s.objects import named
from tests.k8s.policies.exposure import TO_ALL, TO_REGIONS
from tests.k8s.rendering import FOLDER, region_manifests, team
from tests.k8s.test_percona import exchanged

REPOSITORY = FOLDER.parent
GUIDE = (REPOSITORY / "docs" / "kubernetes.md").read_text(encoding="utf-8")
NOT_YET = "north"
PATHS = sorted({path.rstrip("/.") for path in re.findall(r"\bk8s/[\w./-]+", GUIDE) if NOT_YET not in path})


@pytest.mark.parametrize("path", PATHS)
def test_a_path_that_it_names_is_there(path: str) -> None:
    assert (REPOSITORY / path).exists()


def test_it_says_how_many_objects_a_region_has() -> None:
    assert f"grep -c '^kind:'\n{len(region_manifests('west'))}\n" in GUIDE


def test_the_schema_that_it_waits_for_is_the_newest() -> None:
    newest = schema.newest()
    assert newest is not None
    assert f"schema at {newest}\n" in GUIDE


def test_versions_are_those_of_the_team() -> None:
    assert f"job/schema-{team()['version']}" in GUIDE
    assert all(f"-t {team()[name]} " in GUIDE for name in ("image", "image-names", "image-database"))


@pytest.mark.parametrize(("service", "ports"), [*TO_ALL.items(), *TO_REGIONS.items()])
def test_the_ports_that_are_open_are_told(service: str, ports: set[int]) -> None:
    told = GUIDE[GUIDE.index("## Who may speak with whom") :]
    assert f"| `{service}` |" in told
    assert all(re.search(rf"\b{port}\b", told) for port in ports)


def test_what_a_member_says_is_what_one_looks_for() -> None:
    source = Path(galera_pod.__file__).read_text(encoding="utf-8")
    assert all(f'print(f"{word}' in source or f'print("{word}' in source for word in ("position", "beginning"))
    assert named(region_manifests("west"), "StatefulSet", "galera")
    assert "configmap galera-leave --from-literal=begin=" in GUIDE


def test_exchanging_the_database_takes_the_lines_that_it_says() -> None:
    text = (FOLDER / "overlays" / "west" / "kustomization.yaml").read_text(encoding="utf-8")
    assert "replace the four lines with `databases/galera` by one" in GUIDE
    assert len(text.splitlines()) - len(exchanged(text).splitlines()) == 3
