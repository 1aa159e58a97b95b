"""The overlays differ in what makes a region that one, and in nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise

import pytest

from lab.regions import regions_of
from tests.k8s.objects import named
from tests.k8s.rendering import REGIONS, Manifest, Manifests, region_manifests, team

PER_REGION = {"nats", "galera", "nodes", "names"}
"""Objects of this name and a region's, of which a region has those of the others."""


def alike(manifests: Manifests, here: str) -> list[str]:
    """All that a region has, with its own name and addresses taken out, and those of the others."""
    return sorted(json.dumps(_neutral(each, here), sort_keys=True) for each in manifests if not _of_a_region(each))


def _of_a_region(manifest: Manifest) -> bool:
    kind, _, region = str(manifest["metadata"]["name"]).partition("-")
    return kind in PER_REGION and region in REGIONS


def _neutral(manifest: Manifest, here: str) -> Manifest:
    found: Manifest = json.loads(json.dumps(manifest))
    labels = found["metadata"].get("labels", {})
    for label in [label for label in labels if label.startswith("localgroup/lets-in-")]:
        del labels[label]
    if labels.get("localgroup/region") == here:
        labels["localgroup/region"] = "here"
    spec = found.get("spec", {})
    match found["kind"], found["metadata"]["name"]:
        case "ConfigMap", "region":
            found["data"] = sorted(found["data"])
        case "Service", _ if "loadBalancerIP" in spec:
            spec["loadBalancerIP"] = _key(spec["loadBalancerIP"], here)
            spec["loadBalancerSourceRanges"] = len(spec.get("loadBalancerSourceRanges", ()))
        case "Certificate", _:
            spec["dnsNames"] = [name.replace(f"-{here}", "-here") for name in spec["dnsNames"]]
    return found


def _key(address: str, here: str) -> str:
    return next(key for key, value in team().items() if value == address).replace(here, "here", 1)


@pytest.mark.parametrize(("one", "other"), list(pairwise(REGIONS)))
def test_regions_differ_by_name_number_and_address_alone(one: str, other: str) -> None:
    assert alike(region_manifests(one), one) == alike(region_manifests(other), other)


def test_a_region_that_is_otherwise_different_is_noticed() -> None:
    other = region_manifests("east")
    named(other, "PodDisruptionBudget", "nats")["spec"]["maxUnavailable"] = 0
    assert alike(region_manifests("west"), "west") != alike(other, "east")


@pytest.mark.parametrize("region", REGIONS)
def test_a_region_has_its_own_doors_and_the_way_to_all_others(region: str) -> None:
    manifests = region_manifests(region)
    for kind in ("nats", "galera"):
        assert "selector" in named(manifests, "Service", f"{kind}-{region}")["spec"]
        assert {f"{kind}-{name}" for name in REGIONS if name != region} == {*_slices(manifests, kind)}


def _slices(manifests: Manifests, kind: str) -> Iterator[str]:
    names = (str(each["metadata"]["name"]) for each in manifests if each["kind"] == "EndpointSlice")
    return (name for name in names if name.startswith(f"{kind}-"))


def test_regions_are_those_of_make_up_and_numbered_like_them() -> None:
    for region in regions_of():
        told = named(region_manifests(region.name), "ConfigMap", "region")["data"]
        assert (told["name"], told["number"]) == (region.name, str(region.number))
        assert told["nats-urls"].split(",")[0] == f"tls://nats-{region.name}:4222"
        assert len({*told["nats-urls"].split(",")}) == len(REGIONS)
