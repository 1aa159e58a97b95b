from __future__ import annotations

from collections.abc import Iterator

import pytest

import andromeda.bootstrap
import messier.bootstrap
import whirlpool.bootstrap
from broker.credentials.permissions import permissions
from broker.service import Service
from lab.roles import NODES_MAX, roles
from schema.action import Action

ROLES = roles(["west", "east"])
BOOTSTRAPS = {"andromeda": andromeda.bootstrap, "messier": messier.bootstrap, "whirlpool": whirlpool.bootstrap}


def services_of(tier: str) -> Iterator[type[Service]]:
    """That its modules define and that answer to anybody."""
    for service in Service.__subclasses__():
        if service.__module__.startswith(f"{tier}.") and any(
            _public(service, value) for value in vars(service).values()
        ):
            yield service


def _public(service: type[Service], value: object) -> bool:
    contract = getattr(value, "__mesh_contract__", None)
    return isinstance(contract, Action) and contract not in service.private


@pytest.mark.parametrize("tier", BOOTSTRAPS)
def test_a_tiers_services_are_those_that_it_may_open_doors_for(tier: str) -> None:
    assert {service.name for service in services_of(tier)} == set(ROLES[tier].serves)


@pytest.mark.parametrize("role", ROLES)
def test_whoever_is_asked_or_told_is_known(role: str) -> None:
    assert {*ROLES[role].asks, *ROLES[role].tells} <= ROLES.keys()


@pytest.mark.parametrize("role", ROLES)
def test_nobody_may_say_or_hear_everything(role: str) -> None:
    allowed = permissions(ROLES[role], ROLES)
    assert not {">", "*", "MOL.>", "MOL.*"} & {*allowed.publish, *allowed.subscribe}
    assert not any(subject.startswith("$SYS") for subject in (*allowed.publish, *allowed.subscribe))


def test_every_node_of_a_tier_is_listed_and_pods_by_their_region() -> None:
    assert len(ROLES["messier"].nodes) == 2 * (NODES_MAX + 1)
    assert {"messier-east-8", "messier-east.*"} <= {*ROLES["messier"].nodes}


def test_a_namespace_has_subjects_of_its_own() -> None:
    allowed = permissions(ROLES["messier"], ROLES, "blue")
    said = [subject for subject in allowed.publish if subject.startswith("MOL")]
    assert all(subject.startswith("MOL-blue.") for subject in said)
    assert "blue.courses.*" in allowed.subscribe
