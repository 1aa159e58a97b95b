from __future__ import annotations

import asyncio
import json

import pytest

from bench.http_load import generate
from bench.report import Report, middle, show
from tests.andromeda.region import region


def test_the_last_line_is_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        middle("throughput", "localgroup", [3.0, 1.0, 2.0], "requests/s", higher_is_better=True),
        middle("throughput", "starlette", [4.0], "requests/s", higher_is_better=True),
    ]
    show(Report("http", 3, rows))
    table, _, last = capsys.readouterr().out.strip().rpartition("\n")
    assert "0.50" in table
    assert json.loads(last) == {
        "bench": "http",
        "rounds": 3,
        "rows": [
            {
                "case": "throughput",
                "contender": contender,
                "value": value,
                "unit": "requests/s",
                "higher_is_better": True,
            }
            for contender, value in (("localgroup", 2.0), ("starlette", 4.0))
        ],
    }


async def test_the_load_generator_counts_whole_answers() -> None:
    async with region() as west:
        load = await asyncio.to_thread(generate, west.address, "/slugsurvival/data/fetch/terms/2168", 4, 0.2)
    assert load.requests_per_second > 10
    assert 0 < load.p50_milliseconds < 1_000
    assert west.catalogue.asked["terms/2168"] == 1


async def test_the_load_generator_does_not_count_refusals() -> None:
    async with region() as west:
        with pytest.raises(ConnectionError):
            await asyncio.to_thread(generate, west.address, "/nothing", 1, 0.2)
