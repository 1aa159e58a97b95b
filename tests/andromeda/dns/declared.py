"""A declaration for tests, and what differs from it."""

from __future__ import annotations

from typing import Any

from andromeda.dns.declaration import Declaration, declared

WEST, CENTRAL, EAST = "192.0.2.1", "192.0.2.2", "192.0.2.3"


def three_regions(**changes: Any) -> Declaration:
    """`west_weight=5` is a change of one region, anything else one of the whole."""
    regions: dict[str, dict[str, Any]] = {
        "west": {"addresses": [WEST], "networks": ["198.51.100.0/24"]},
        "central": {"addresses": [CENTRAL], "networks": ["198.51.0.0/16"]},
        "east": {"addresses": [EAST, "2001:db8::3"], "networks": ["2001:db8:e::/48"]},
    }
    for name in list(changes):
        region, _, field = name.partition("_")
        if region in regions:
            regions[region][field] = changes.pop(name)
    return declared({"zone": "example.org", "regions": regions} | changes)
