"""The doors for writes, one a region."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from broker import environment
from lab import tiers
from lab.readiness import first_objection, wait_until
from lab.regions import Region
from lab.trial import Trial
from tests.drills.beside import Beside, running
from tests.drills.outage.door import PREFIX, DoorSettings

PORT, METRICS = 8090, 9192
STORE, STORE_NUMBER = "whirlpool", 2
"""Beside the region's own, which is the first."""
LOG_LEVEL = "warning"
SERVING_SECONDS = 60


def told(trial: Trial, region: Region) -> Mapping[str, str]:
    """Two sets of settings: the store's, and under a prefix of their own the door's.

    The door counts as a region of its own, as it is no part of what operators evacuate.
    """
    store = tiers.environment(trial.laboratory, region, STORE) | {
        "LOCALGROUP_NODE": f"{STORE}-{region.name}-{STORE_NUMBER}",
        "LOCALGROUP_METRICS_ADDRESS": f"{region.address}:{METRICS}",
        "LOCALGROUP_LOG_LEVEL": LOG_LEVEL,
    }
    door = trial.mesh_environment(region, DoorSettings.tier) | {
        "LOCALGROUP_REGION": f"{region.name}-door",
        "LOCALGROUP_NODE": f"{DoorSettings.tier}.{region.name}.door",
        "LOCALGROUP_HTTP_ADDRESS": f"{region.address}:{PORT}",
        "LOCALGROUP_LOG_LEVEL": LOG_LEVEL,
    }
    return store | {PREFIX + name.removeprefix(environment.PREFIX): value for name, value in door.items()}


def door(trial: Trial, region: Region) -> Beside:
    return Beside(trial, region, "tests.drills.outage.door", told(trial, region), f"{region.address}:{METRICS}")


@contextmanager
def doors(trial: Trial) -> Iterator[dict[str, Beside]]:
    """By region, all of them serving."""
    with running([door(trial, region) for region in trial.regions]) as found:
        wait_serving(found.values())
        yield found


def wait_serving(found: Iterable[Beside]) -> None:
    questions = [each.why_not_serving for each in found]
    wait_until(lambda: first_objection(questions), deadline_seconds=SERVING_SECONDS)
