"""The list of everything that a laboratory runs, and how each of it is started."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lab import name_servers, nats, tiers
from lab.laboratory import Laboratory
from lab.regions import Region
from lab.wan.namespaces import enter_command
from lab.wan.sites import HOME, HOME_NUMBER, PLAN

DATABASE, WATCH, HUB, NETWORK = "galera", "watch", "nats", "network"
NAMES, DNS = "names", "pdns"
"""A region's watcher, and the name server that it tells who can be named."""
STOP_SECONDS = 30
DATABASE_STOP_SECONDS = 20
DATABASE_ENVIRONMENT = {"MALLOC_ARENA_MAX": "2"}
"""Otherwise every thread's arena keeps what a large transaction once needed."""
NETWORK_PRIORITY = 1
DATABASE_PRIORITY, WATCH_PRIORITY, HUB_PRIORITY, TIER_PRIORITY, DNS_PRIORITY = 10, 25, 30, 40, 50
HERE = Region(HOME, HOME_NUMBER, "127.0.0.1")
"""This machine itself, where the network between regions is made."""


@dataclass(frozen=True, slots=True)
class Program:
    """`server` is `network`, `galera`, `watch`, `nats`, `names`, `pdns` or a tier. A supervisor that ends stops the
    highest priority first."""

    name: str
    server: str
    region: Region
    command: tuple[str, ...]
    priority: int
    stop_seconds: int = STOP_SECONDS
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def command_line(self) -> str:
        """Run where its region is."""
        return shlex.join((*enter_command(self.region.namespace), *self.command))


def programs(laboratory: Laboratory) -> list[Program]:
    found = [network(laboratory)] if laboratory.wan else []
    found += [hub(laboratory, region) for region in laboratory.regions]
    if not laboratory.embedded:
        found += [member(laboratory, region) for region in laboratory.regions]
        found += [watch(laboratory, region) for region in laboratory.regions]
    if laboratory.dns:
        found += [server(laboratory, region) for region in laboratory.regions for server in (watcher, name_server)]
    return found + [
        tier(laboratory, region, name, TIER_PRIORITY + level)
        for level, name in enumerate(tiers.TIERS)
        for region in laboratory.regions
    ]


def network(laboratory: Laboratory) -> Program:
    command = (sys.executable, "-m", "lab.wan.forwarder", str(laboratory.state / PLAN))
    return Program(NETWORK, NETWORK, HERE, command, NETWORK_PRIORITY)


def hub(laboratory: Laboratory, region: Region) -> Program:
    return Program(region.node(HUB), HUB, region, tuple(nats.command(laboratory, region)), HUB_PRIORITY)


def member(laboratory: Laboratory, region: Region) -> Program:
    """Each member a priority of its own, so that they leave one after another and the first region's is the last."""
    command = (sys.executable, "-m", "lab.member", str(laboratory.member(region)))
    priority = DATABASE_PRIORITY + region.number
    return Program(
        region.node(DATABASE), DATABASE, region, command, priority, DATABASE_STOP_SECONDS, DATABASE_ENVIRONMENT
    )


def watch(laboratory: Laboratory, region: Region) -> Program:
    command = (sys.executable, "-m", "lab.watch", str(laboratory.state), region.name)
    return Program(region.node(WATCH), WATCH, region, command, WATCH_PRIORITY)


def watcher(laboratory: Laboratory, region: Region) -> Program:
    command, told = name_servers.watcher_command(), name_servers.watcher_environment(laboratory, region, NAMES)
    return Program(region.node(NAMES), NAMES, region, tuple(command), DNS_PRIORITY, environment=told)


def name_server(laboratory: Laboratory, region: Region) -> Program:
    return Program(region.node(DNS), DNS, region, tuple(name_servers.command(laboratory, region)), DNS_PRIORITY + 1)


def tier(laboratory: Laboratory, region: Region, name: str, priority: int) -> Program:
    told = tiers.environment(laboratory, region, name)
    return Program(region.node(name), name, region, tuple(tiers.command(name)), priority, environment=told)


def names(laboratory: Laboratory, servers: Iterable[str]) -> list[str]:
    """Of the programs of these servers, in the order of the regions."""
    chosen = frozenset(servers)
    return [program.name for program in programs(laboratory) if program.server in chosen]
