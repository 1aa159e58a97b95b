"""Every object is one that its API takes: Kubernetes' own by published schemas, custom ones by those stated here."""

from __future__ import annotations

from collections.abc import Callable

import jsonschema
import kubernetes_validate
import pytest

from tests.k8s.objects import name_of, named
from tests.k8s.rendering import REGIONS, Manifest, Manifests, region_manifests
from tests.k8s.schemas.custom import SCHEMAS

VERSION = "1.34"
"""Of Kubernetes: the oldest that has all that we use for good (a pause before the end is `sleep`)."""


def objection(manifest: Manifest) -> str | None:
    schema = SCHEMAS.get((manifest["apiVersion"], manifest["kind"]))
    try:
        if schema is None:
            kubernetes_validate.validate(manifest, VERSION, strict=True)
        else:
            jsonschema.validate(manifest, schema)
    except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
        return f"{manifest['kind']} {name_of(manifest)}: {error}"
    except jsonschema.ValidationError as error:
        return f"{manifest['kind']} {name_of(manifest)}: {error.json_path}: {error.message}"
    return None


def objections(manifests: Manifests) -> list[str]:
    return [why for each in manifests if (why := objection(each))]


@pytest.mark.parametrize("region", REGIONS)
def test_every_object_is_valid(region: str) -> None:
    assert objections(region_manifests(region)) == []


def _misspell(manifest: Manifest) -> None:
    manifest["spec"]["replica"] = 2


def _wrong_type(manifest: Manifest) -> None:
    manifest["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = "60"


def _no_such_use(manifest: Manifest) -> None:
    manifest["spec"]["usages"] = ["server authentication"]


def _unknown(manifest: Manifest) -> None:
    manifest["kind"] = "Deploymant"


@pytest.mark.parametrize(
    ("kind", "name", "spoil"),
    [
        ("Deployment", "messier", _misspell),
        ("StatefulSet", "nats", _wrong_type),
        ("Deployment", "messier", _unknown),
        ("Certificate", "galera", _no_such_use),
        ("Issuer", "mesh", _misspell),
        ("ServiceMonitor", "names", _misspell),
    ],
)
def test_an_object_that_is_not_is_noticed(kind: str, name: str, spoil: Callable[[Manifest], None]) -> None:
    manifest = named(region_manifests("west"), kind, name)
    assert objection(manifest) is None
    spoil(manifest)
    assert objection(manifest) is not None
