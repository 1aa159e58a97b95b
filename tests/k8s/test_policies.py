"""What we ship keeps every rule, and each rule notices where it is broken."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

import pytest

from tests.k8s import policies
from tests.k8s.rendering import REGIONS, region_manifests

RULES = [import_module(f"{policies.__name__}.{each.name}") for each in iter_modules(policies.__path__)]
"""A file each."""


def name(rule: ModuleType) -> str:
    return rule.__name__.rpartition(".")[2]


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("rule", RULES, ids=name)
def test_every_region_keeps_the_rule(rule: ModuleType, region: str) -> None:
    assert list(rule.objections(region_manifests(region))) == []


@pytest.mark.parametrize("rule", RULES, ids=name)
def test_a_broken_rule_is_noticed_by_it_and_by_no_other(rule: ModuleType) -> None:
    manifests = region_manifests("west")
    rule.spoil(manifests)
    assert [name(each) for each in RULES if list(each.objections(manifests))] == [name(rule)]
