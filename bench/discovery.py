"""What discovery costs a mesh of a thousand nodes, when all of them start and from then on, by our rules and by
Moleculer's. Only the network and the time are simulated: nodes run the broker's own code.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from statistics import median

from rich.progress import Progress

from bench.counted_network import Amount, Traffic
from bench.discovery_nodes import Make, MoleculerNode, OurNode
from bench.playback import cpu_seconds, memory_bytes
from bench.report import Row
from bench.simulated_mesh import SimulatedMesh
from broker.wire.topics import Kind

NODES, ACTIONS = 1_000, 20
CONTENDERS: dict[str, Make] = {"localgroup": OurNode, "moleculer-0.15": MoleculerNode}
SEED = 2168

START_SECONDS = 1.0
"""All nodes start within it: the power is back."""
STORM_SECONDS = 5.0
"""Counted as the start: then everybody knows everybody."""
STEADY_SECONDS = 20.0
"""Two heartbeats of everybody."""
HEARTBEAT_SECONDS = 15.0
"""By then, a heartbeat has come, and what follows from it is over."""
SETTLED_SECONDS = 1.5
"""What a node tells everybody has been told."""
RECONNECT_SECONDS = 2.0
NOTICE_SECONDS = 75.0
"""By then, everybody has noticed that a node is gone."""
MIB = 1024 * 1024
STEPS = 5


@dataclass(frozen=True)
class Findings:
    complete_seconds: float
    storm: Amount
    storm_cpu_seconds: float
    steady: Amount
    steady_cpu_seconds: float
    memory_bytes: int
    late: Amount
    rejoined: Amount
    ignorant: int
    noticed_seconds: Sequence[float]


def run(nodes: int = NODES, actions: int = ACTIONS) -> list[Row]:
    logging.getLogger("broker").setLevel(logging.ERROR)  # that nodes are lost is the point here
    with Progress(transient=True) as progress:
        task = progress.add_task("discovery", total=STEPS * len(CONTENDERS))
        found = {
            name: asyncio.run(investigate(make, nodes, actions, lambda: progress.advance(task)))
            for name, make in CONTENDERS.items()
        }
    by_case = zip(*(_rows(name, findings) for name, findings in found.items()), strict=True)
    return [row for case in by_case for row in case]


async def investigate(make: Make, nodes: int, actions: int, advance: Callable[[], None]) -> Findings:
    mesh = SimulatedMesh(make, nodes, actions)
    mesh.start(START_SECONDS, Random(SEED))
    complete_seconds = await mesh.until(mesh.is_complete, STORM_SECONDS)
    await mesh.time.pass_until(STORM_SECONDS)
    storm = mesh.network.traffic.total()
    advance()
    steady = (await mesh.traffic_of(STEADY_SECONDS)).total()
    recorded, mesh.network.tapped = mesh.network.recorded, None
    advance()
    rejoined = (await _server_restart(mesh)).total()
    ignorant = await _missed_info(mesh)
    advance()
    noticed_seconds = await _gone(mesh)
    late = (await _heard_again(mesh)).total(Kind.DISCOVER, Kind.INFO)
    advance()
    await mesh.end()
    del mesh
    of_storm = [each for each in recorded if each[0] < STORM_SECONDS]
    number = nodes // 2
    storm_cpu_seconds = await cpu_seconds(make, number, actions, of_storm, STORM_SECONDS)
    both_cpu_seconds = await cpu_seconds(make, number, actions, recorded, STORM_SECONDS + STEADY_SECONDS)
    remembered_bytes = await memory_bytes(make, number, actions, of_storm, STORM_SECONDS)
    advance()
    return Findings(
        complete_seconds,
        storm,
        storm_cpu_seconds,
        steady,
        both_cpu_seconds - storm_cpu_seconds,
        remembered_bytes,
        late,
        rejoined,
        ignorant,
        noticed_seconds,
    )


async def _server_restart(mesh: SimulatedMesh) -> Traffic:
    """Everybody's connection is back, within the pause that clients make before they try again."""
    random = Random(SEED)
    for member in mesh.members:
        mesh.later(random.uniform(0, RECONNECT_SECONDS), member.rejoin())
    return await mesh.traffic_of(STORM_SECONDS)


async def _missed_info(mesh: SimulatedMesh) -> int:
    """One node changes what it offers, and half of the mesh does not hear of it: how many do not know later on."""
    changed, deaf = mesh.members[0], mesh.members[1::2]
    mesh.network.deaf = {member.name for member in deaf}
    await mesh.done(changed.offer(()), SETTLED_SECONDS)
    mesh.network.deaf = set()
    await mesh.time.pass_until(mesh.time.now() + STEADY_SECONDS)
    views = [member.registry.get(changed.name) for member in deaf]
    return sum(view is None or bool(view.info.services) for view in views)


async def _gone(mesh: SimulatedMesh) -> list[float]:
    """After how long each node has noticed that another is not heard any more which it never calls."""
    victim, *others = mesh.members
    mesh.network.mute.add(victim.name)
    gone_at, noticed = mesh.time.now(), dict[str, float]()
    while len(noticed) < len(others) and mesh.time.now() - gone_at < NOTICE_SECONDS:
        await mesh.time.pass_until(mesh.time.now() + 0.5)
        for member in others:
            if not member.registry.sees(victim.name):
                noticed.setdefault(member.name, mesh.time.now() - gone_at)
    return list(noticed.values())


async def _heard_again(mesh: SimulatedMesh) -> Traffic:
    """The same node's heartbeats come again."""
    mesh.network.mute.clear()
    return await mesh.traffic_of(HEARTBEAT_SECONDS)


def _rows(name: str, found: Findings) -> list[Row]:
    return [
        _row("start: all know all", name, found.complete_seconds, "s"),
        *_traffic("start", name, found.storm, 1.0, ""),
        _row("start: processor, one node", name, found.storm_cpu_seconds * 1000, "ms"),
        _row("start: memory, one node", name, found.memory_bytes / MIB, "MiB"),
        *_traffic("steady", name, found.steady, STEADY_SECONDS, "/s"),
        _row("steady: processor, one node", name, found.steady_cpu_seconds / STEADY_SECONDS * 1000, "ms/s"),
        *_traffic("server restart", name, found.rejoined, 1.0, ""),
        _row("missed INFO: unaware after 20 s", name, found.ignorant, "nodes"),
        _row("gone: noticed by half", name, median(found.noticed_seconds), "s"),
        _row("gone: noticed by the last", name, max(found.noticed_seconds), "s"),
        *_traffic("heard again", name, found.late, 1.0, ""),
    ]


def _traffic(case: str, name: str, amount: Amount, seconds: float, per: str) -> list[Row]:
    return [
        _row(f"{case}: packets sent", name, amount.messages / seconds, f"packets{per}"),
        _row(f"{case}: packets delivered", name, amount.deliveries / seconds, f"packets{per}"),
        _row(f"{case}: bytes delivered", name, amount.delivered_bytes / seconds / MIB, f"MiB{per}"),
    ]


def _row(case: str, name: str, value: float, unit: str) -> Row:
    return Row(case, name, round(value, 4), unit, higher_is_better=False)
