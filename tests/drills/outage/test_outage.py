"""Short outages for every change; `make drill-outage` has all of them, and holds them against what they may take.

Here other tests share the machine, so what is held is what no lack of processor time excuses.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.users import account
from tests.drills.outage.drill import drill
from tests.drills.outage.goals import MISDIRECTED_SECONDS_MAX, kept
from tests.drills.outage.outages import OUTAGES
from tests.drills.outage.scene import Scene, scene

SEED = 1
SHARE = 0.25
"""Of the load that the drills make on a machine of their own."""

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def regions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with scene(SEED, tmp_path_factory.mktemp("outage"), SHARE) as running:
        yield running


def test_when_a_region_is_killed_nobody_is_led_there_for_long_and_no_write_is_lost(regions: Scene) -> None:
    outage = next(each for each in OUTAGES if each.name == "region-killed")
    lived = drill(regions, outage)
    during = account.during(lived.records, lived.begun, lived.healing)

    assert kept(lived) == []
    assert lived.acknowledged
    assert any(each.address in lived.dead for record in lived.records for each in record.tries)
    assert lived.misdirected <= MISDIRECTED_SECONDS_MAX
    assert account.failed(each for each in during if each.kind == "browser" and not each.write) == {}
    assert all(each.outcome != "unresolved" for each in lived.records)
