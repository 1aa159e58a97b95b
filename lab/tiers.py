"""The three tiers' processes in each region: their commands, and the environment that tells them where they are."""

from __future__ import annotations

import sys

from lab import credentials
from lab.laboratory import Laboratory
from lab.regions import HTTP, Region

TIERS = ("whirlpool", "messier", "andromeda")
"""In the order of starting: each calls the one before it."""


def common_environment(laboratory: Laboratory, region: Region, role: str) -> dict[str, str]:
    """What anything that joins the mesh in a region is told. Roles are tiers, `loader` and `mesh`."""
    return {"LOCALGROUP_REGION": region.name} | credentials.environment(laboratory, region, role)


def environment(laboratory: Laboratory, region: Region, tier: str) -> dict[str, str]:
    told = common_environment(laboratory, region, tier) | {
        "LOCALGROUP_NODE": region.node(tier),
        "LOCALGROUP_METRICS_ADDRESS": region.metrics_address(tier),
    }
    if laboratory.obeys_faults:
        told["LOCALGROUP_INJECTED_FAULTS"] = str(laboratory.faults_of(region.node(tier)))
    if tier == "andromeda":
        told["LOCALGROUP_HTTP_ADDRESS"] = f"{region.address}:{HTTP}"
    if tier == "whirlpool":
        told["LOCALGROUP_DATABASE_URL"] = laboratory.database_url(region)
    return told


def command(tier: str) -> list[str]:
    return [sys.executable, "-m", tier, "serve"]
