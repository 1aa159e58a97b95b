"""The same declaration for a hosted DNS, by way of octoDNS: configuration only, for those who want one beside ours.

A hosted DNS checks `/readyz` itself and draws regions by weight. It knows nothing of what gateways measured, nor of
what operators took out: evacuated regions leave it because their `/readyz` says so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import orjson

from andromeda.dns.declaration import APEX, Declaration, DeclaredRegion, Family
from andromeda.dns.zone import host_name

CONFIGURATION = "octodns.yaml"
ZONES = "zones"
FOLDER = {"class": "octodns.provider.yaml.YamlProvider", "enforce_order": False, "escaped_semicolons": False}
WEIGHT_MAX = 100
"""Of octoDNS, for one address."""
PROVIDERS: Mapping[str, Mapping[str, str]] = {
    "route53": {
        "class": "octodns_route53.Route53Provider",
        "access_key_id": "env/AWS_ACCESS_KEY_ID",
        "secret_access_key": "env/AWS_SECRET_ACCESS_KEY",
    },
    "ns1": {"class": "octodns_ns1.Ns1Provider", "api_key": "env/NS1_API_KEY"},
}
"""Some of octoDNS' providers that know health checks and weights. octoDNS reads the secrets, from its environment."""


def files_of(declaration: Declaration, name: str, provider: Mapping[str, Any]) -> Mapping[str, bytes]:
    """By path, for a folder in which `octodns-sync --config-file octodns.yaml` is then called. JSON is YAML too."""
    return {
        CONFIGURATION: _yaml(configuration(declaration, name, provider)),
        f"{ZONES}/{declaration.zone}.yaml": _yaml(records(declaration)),
    }


def configuration(declaration: Declaration, name: str, provider: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "providers": {"declaration": {**FOLDER, "directory": f"./{ZONES}"}, name: dict(provider)},
        "zones": {f"{declaration.zone}.": {"sources": ["declaration"], "targets": [name]}},
    }


def records(declaration: Declaration) -> Mapping[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for host in declaration.hosts:
        label = "" if host == APEX else host
        found[label] = [_shared(declaration, family) for family in declaration.families]
    for name, region in declaration.regions.items():
        found[name] = [
            {"type": family, "ttl": declaration.ttl_seconds, "values": addresses}
            for family in declaration.families
            if (addresses := _texts(region, family))
        ]
    return found


def _shared(declaration: Declaration, family: Family) -> dict[str, Any]:
    """A record that stands for all regions. `values`: what is answered when no address is well."""
    health = declaration.health
    weighted = _weighted(declaration, family)
    return {
        "type": family,
        "ttl": declaration.ttl_seconds,
        "values": [each["value"] for each in weighted],
        "dynamic": {"pools": {"all": {"values": weighted}}, "rules": [{"pool": "all"}]},
        "octodns": {
            "healthcheck": {
                "host": host_name(declaration),
                "path": health.path,
                "port": health.port,
                "protocol": health.scheme.upper(),
            }
        },
    }


def _weighted(declaration: Declaration, family: Family) -> list[dict[str, Any]]:
    """A region's weight is its addresses' together. One of 0 is left out, unless nothing else is there."""
    heaviest = max(region.weight for region in declaration.regions.values())
    regions = [region for region in declaration.regions.values() if _texts(region, family)]
    drawn = [region for region in regions if region.weight] or regions
    weights = {
        address: _weight(region.weight / heaviest / len(addresses))
        for region in drawn
        for addresses in [_texts(region, family)]
        for address in addresses
    }
    alone = len(weights) == 1  # octoDNS wants such a one to weigh 1
    return [{"value": address, "weight": 1 if alone else weight} for address, weight in weights.items()]


def _weight(share: float) -> int:
    return max(1, math.floor(share * WEIGHT_MAX))


def _texts(region: DeclaredRegion, family: Family) -> list[str]:
    return [str(address) for address in region.addresses_of(family)]


def _yaml(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2)
