"""A short drill, for every change; `make drill MINUTES=30` is the long one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.trial import Trial
from tests.drills.drill import Extent, drill
from tests.drills.regions import regions_for_a_drill

SHORT = Extent(seed=1, seconds=60.0, faults_per_minute=12)

pytestmark = pytest.mark.servers


@pytest.fixture
def regions() -> Iterator[Trial]:
    with regions_for_a_drill() as running:
        yield running


async def test_under_faults_every_acknowledged_write_is_there_once(regions: Trial, tmp_path: Path) -> None:
    verdict = await drill(regions, SHORT, tmp_path / "journal.jsonl")

    line = verdict.line()
    assert line["met"], verdict.report()
    assert (line["lost"], line["doubled"], line["anomalies"], line["unresolved"]) == (0, 0, 0, 0)
    assert line["control_found"]
    assert line["acknowledged"] > 0
    assert line["faults"] > 0
