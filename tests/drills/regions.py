"""Where a drill takes place: in regions that are apart where this machine can have such, else side by side."""

from __future__ import annotations

from contextlib import AbstractContextManager

from lab.trial import Trial, trial, wan_trial
from lab.wan import namespaces
from lab.wan.territory import of_cities

FIRST_ADDRESS = "127.77.47.1"
NAME, NETWORK = "writes", "10.83"
REGIONS = 3


def why_not_apart() -> str | None:
    return namespaces.why_not()


def regions_for_a_drill() -> AbstractContextManager[Trial]:
    """Hubs and databases, no tiers."""
    if why_not_apart():
        return trial(FIRST_ADDRESS, embedded=False, with_tiers=False)
    return wan_trial(of_cities(REGIONS, name=NAME, network=NETWORK), embedded=False, with_tiers=False)
