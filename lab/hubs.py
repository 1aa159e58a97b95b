"""What the hubs say of themselves on their monitoring port: whom they have joined, and who is connected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from lab.readiness import HTTP_SECONDS, Objection
from lab.regions import Region


@dataclass(frozen=True, slots=True)
class Hub:
    """`joined`: the regions to which this one has a gateway connection."""

    version: str
    joined: frozenset[str]
    connections: int


def ask(region: Region, subject: str) -> dict[str, Any]:
    answer = httpx.get(f"{region.nats_monitor_url}/{subject}", timeout=HTTP_SECONDS, trust_env=False)
    found: dict[str, Any] = answer.raise_for_status().json()
    return found


def hub(region: Region) -> Hub | None:
    """None while nobody answers."""
    try:
        general, gateways = ask(region, "varz"), ask(region, "gatewayz")
    except httpx.HTTPError:
        return None
    return Hub(general["version"], frozenset(gateways["outbound_gateways"]), general["connections"])


def why_not_joined(region: Region, regions: Sequence[Region]) -> str | None:
    name, found = region.node("nats"), hub(region)
    if found is None:
        return f"{name} does not answer"
    missing = {other.name for other in regions} - {region.name} - found.joined
    return f"{name} has no gateway to {', '.join(sorted(missing))}" if missing else None


def objections(regions: Sequence[Region]) -> list[Objection]:
    def question(region: Region) -> Objection:
        return lambda: why_not_joined(region, regions)

    return [question(region) for region in regions]
