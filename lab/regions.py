"""A region on one machine is an address: everything of the region listens there, on the same ports everywhere.

In the WAN laboratory it is a network namespace as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

NAMES = ("west", "central", "east")
FIRST_ADDRESS = "127.0.1.1"
"""Of `make up`; the next region is at 127.0.2.1. Trials begin elsewhere, so that both run side by side."""

NETWORK_SIZE = 256

HTTP = 8080
NATS = 4222
NATS_GATEWAY = 7222
NATS_MONITOR = 8222
SQL = 3306
GALERA_GROUP = 4567
GALERA_INCREMENTAL = 4568
GALERA_STATE = 4444
GALERA_WATCH = 4569
METRICS: Mapping[str, int] = {"andromeda": 9090, "messier": 9091, "whirlpool": 9092, "names": 9093}
"""The three tiers of a region and its watcher share one address here, so each has a port of its own."""
DNS = 5353
"""Not 53: that one is often taken, by the machine's own resolver."""

SERVING_PORTS = (HTTP, NATS, NATS_GATEWAY, NATS_MONITOR, *METRICS.values())
DATABASE_PORTS = (SQL, GALERA_GROUP, GALERA_INCREMENTAL, GALERA_STATE, GALERA_WATCH)


@dataclass(frozen=True, slots=True)
class Region:
    """`number` counts from 1: the region's Galera segment and server id. `namespace`: the network namespace where it
    runs; empty where regions only differ by their address."""

    name: str
    number: int
    address: str
    namespace: str = ""

    @property
    def public_url(self) -> str:
        return f"http://{self.address}:{HTTP}"

    @property
    def nats_url(self) -> str:
        return f"nats://{self.address}:{NATS}"

    @property
    def nats_monitor_url(self) -> str:
        return f"http://{self.address}:{NATS_MONITOR}"

    def metrics_address(self, tier: str) -> str:
        return f"{self.address}:{METRICS[tier]}"

    def node(self, server: str) -> str:
        """`andromeda` to `andromeda-west-1`: one of each server in a region here."""
        return f"{server}-{self.name}-1"


def regions_of(first_address: str = FIRST_ADDRESS, names: tuple[str, ...] = NAMES) -> tuple[Region, ...]:
    """Regions at `first_address` and at the networks after it: a.b.c.d, a.b.(c+1).d and so on."""
    first = IPv4Address(first_address)
    return tuple(
        Region(name, number, str(first + (number - 1) * NETWORK_SIZE)) for number, name in enumerate(names, start=1)
    )
