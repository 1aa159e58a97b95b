"""The processes that serve `db-drill`, one a region."""

from __future__ import annotations

from contextlib import AbstractContextManager

from lab import tiers
from lab.regions import Region
from lab.trial import Trial
from tests.drills.beside import Beside, running

ROLE = "whirlpool"
LOG_LEVEL = "warning"


def store(trial: Trial, region: Region) -> Beside:
    told = tiers.environment(trial.laboratory, region, ROLE) | {"LOCALGROUP_LOG_LEVEL": LOG_LEVEL}
    return Beside(trial, region, "tests.drills.node", told, region.metrics_address(ROLE))


def stores(trial: Trial) -> AbstractContextManager[dict[str, Beside]]:
    """By region."""
    return running([store(trial, region) for region in trial.regions])
