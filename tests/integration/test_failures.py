"""What users of a region see when a part of it is gone: nothing, since the mesh asks another region."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from lab.trial import Trial

SEARCH = "/slugsurvival/data/search"


@pytest.fixture
def west(regions: Trial) -> Iterator[httpx.Client]:
    """With everything restored afterwards."""
    regions.load_sample()
    with httpx.Client(base_url=regions.region("west").public_url, timeout=30) as client:
        yield client
    regions.restore()


def search(client: httpx.Client, words: str) -> httpx.Response:
    return client.get(SEARCH, params={"q": words})


def test_a_region_serves_while_its_messier_is_stopped(west: httpx.Client, regions: Trial) -> None:
    regions.stop("messier-west-1")
    assert search(west, "messier stopped").status_code == 200


def test_a_region_serves_while_its_whirlpool_is_stopped(west: httpx.Client, regions: Trial) -> None:
    regions.stop("whirlpool-west-1")
    assert search(west, "whirlpool stopped").status_code == 200


def test_a_region_serves_while_its_database_is_stopped(west: httpx.Client, regions: Trial) -> None:
    regions.stop(*[name for name in regions.programs("galera") if "west" in name])
    assert search(west, "database stopped").status_code == 200


def test_a_region_serves_right_after_its_messier_was_killed(west: httpx.Client, regions: Trial) -> None:
    regions.kill("messier-west-1")
    assert search(west, "messier killed").status_code == 200


def test_what_the_edge_has_served_it_serves_without_any_other_tier(west: httpx.Client, regions: Trial) -> None:
    before = west.get("/slugsurvival/data/fetch/terms")
    regions.stop(*regions.programs("messier", "whirlpool"))
    after = west.get("/slugsurvival/data/fetch/terms")
    assert (after.status_code, after.content) == (200, before.content)
