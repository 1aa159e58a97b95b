"""The list of everything that a laboratory runs, and how each of it is started."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lab import nats, tiers
from lab.laboratory import Laboratory
from lab.regions import Region

DATABASE, HUB = "galera", "nats"
STOP_SECONDS = 30
DATABASE_STOP_SECONDS = 20
DATABASE_ENVIRONMENT = {"MALLOC_ARENA_MAX": "2"}
"""Otherwise every thread's arena keeps what a large transaction once needed."""
DATABASE_PRIORITY, HUB_PRIORITY, TIER_PRIORITY = 10, 30, 40


@dataclass(frozen=True, slots=True)
class Program:
    """`server` is `galera`, `nats` or a tier. A supervisor that ends stops the highest priority first."""

    name: str
    server: str
    region: Region
    command: tuple[str, ...]
    priority: int
    stop_seconds: int = STOP_SECONDS
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def command_line(self) -> str:
        return shlex.join(self.command)


def programs(laboratory: Laboratory) -> list[Program]:
    found = [hub(laboratory, region) for region in laboratory.regions]
    if not laboratory.embedded:
        found += [member(laboratory, region) for region in laboratory.regions]
    return found + [
        tier(laboratory, region, name, TIER_PRIORITY + level)
        for level, name in enumerate(tiers.TIERS)
        for region in laboratory.regions
    ]


def hub(laboratory: Laboratory, region: Region) -> Program:
    return Program(region.node(HUB), HUB, region, tuple(nats.command(laboratory, region)), HUB_PRIORITY)


def member(laboratory: Laboratory, region: Region) -> Program:
    """Each member a priority of its own, so that they leave one after another and the first region's is the last."""
    command = (sys.executable, "-m", "lab.member", str(laboratory.member(region)))
    priority = DATABASE_PRIORITY + region.number
    return Program(
        region.node(DATABASE), DATABASE, region, command, priority, DATABASE_STOP_SECONDS, DATABASE_ENVIRONMENT
    )


def tier(laboratory: Laboratory, region: Region, name: str, priority: int) -> Program:
    told = tiers.environment(laboratory, region, name)
    return Program(region.node(name), name, region, tuple(tiers.command(name)), priority, environment=told)


def names(laboratory: Laboratory, servers: Iterable[str]) -> list[str]:
    """Of the programs of these servers, in the order of the regions."""
    chosen = frozenset(servers)
    return [program.name for program in programs(laboratory) if program.server in chosen]
