"""The map of the original's deployment, against distances that are known otherwise."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.wan.map import CITIES, SPREAD, great_circle_kilometres, one_way_ms, round_trip_seconds
from lab.wan.territory import of_cities


def test_the_great_circle_is_as_long_as_the_table_of_distances_says() -> None:
    assert great_circle_kilometres("california", "new-york") == pytest.approx(4_100, rel=0.02)
    assert great_circle_kilometres("texas", "iowa") == pytest.approx(945, rel=0.02)


def test_a_round_trip_takes_longer_than_light_in_a_straight_fibre_and_less_than_twice_as_long() -> None:
    straight_seconds = 2 * great_circle_kilometres("oregon", "virginia") / 200_000

    assert straight_seconds < round_trip_seconds("oregon", "virginia") < 2 * straight_seconds


def test_every_ordered_pair_has_a_delay_and_both_ways_are_the_same() -> None:
    delays = one_way_ms(SPREAD)

    assert len(delays) == 7 * 6
    assert all(delays[here, there] == delays[there, here] > 0.5 for here, there in delays)


def test_seven_regions_have_an_address_and_a_namespace_each() -> None:
    found = of_cities(7).regions

    assert {region.name for region in found} == set(CITIES)
    assert [region.address for region in found] == [f"10.77.{number}.1" for number in range(1, 8)]
    assert len({region.namespace for region in found}) == 7


def test_a_plan_delays_each_way_by_half_a_round_trip(tmp_path_factory: pytest.TempPathFactory) -> None:
    plan = of_cities(3).plan(tmp_path_factory.mktemp("plan"))

    for link in plan.links:
        assert link.settings.delay_ms * 2 / 1_000 == pytest.approx(round_trip_seconds(link.source, link.target))


def test_the_guide_shows_the_delays_of_the_map() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "laboratory.md").read_text()
    shown = dict(re.findall(r"^\| ([a-z-]+) \| [A-Z][^|]+ \| ([0-9.]+) \|$", guide, re.MULTILINE))
    delays = one_way_ms(SPREAD)

    assert shown == {city: f"{delays['oregon', city]:.1f}" for city in SPREAD if city != "oregon"}
