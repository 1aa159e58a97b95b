"""One outage from calm to calm, and what its users wrote down about it."""

from __future__ import annotations

import time

from lab import named
from tests.drills.outage.goals import Lived
from tests.drills.outage.outages import Outage
from tests.drills.outage.scene import WRITER, Scene

CALM_SECONDS = 4.0
AFTER_SECONDS = 8.0
"""Names lead everywhere again."""
LOOK_SECONDS = 0.5


def drill(scene: Scene, outage: Outage) -> Lived:
    time.sleep(CALM_SECONDS)
    region = scene.busiest()
    begun = time.monotonic()
    outage.strike(scene, region)
    dead = [each.address for each in outage.dead(region, scene.regions)]
    left_out = [*dead, *([region.address] if outage.leaves else [])]
    flaps = watch(scene, time.monotonic() + outage.hold_seconds, left_out)
    healing = time.monotonic()
    if outage.heal is not None:
        outage.heal(scene, region)
    scene.heal()
    healed = time.monotonic()
    time.sleep(AFTER_SECONDS)
    ended = time.monotonic()
    time.sleep(WRITER.request_seconds)  # whoever asked before has an answer by now, or gave up
    return Lived(
        region=region.name,
        begun=begun,
        healing=healing,
        healed=healed,
        ended=ended,
        dead=dead,
        records=scene.records(begun - CALM_SECONDS, ended),
        flaps=flaps,
        written=dict(scene.written()),  # after the records: what they acknowledge is to be there
    )


def watch(scene: Scene, until: float, left_out: list[str]) -> int:
    """Until that time. Counts how often a region that is to be named left the answers."""
    flaps, alive = 0, [region for region in scene.regions if region.address not in left_out]
    named_before = {region.name: True for region in alive}
    laboratory = scene.trial.laboratory
    while time.monotonic() < until:
        for region in alive:
            is_named = all(named.names(laboratory, at, region) for at in alive)
            flaps += named_before[region.name] and not is_named
            named_before[region.name] = is_named
        time.sleep(min(LOOK_SECONDS, max(until - time.monotonic(), 0)))
    return flaps
