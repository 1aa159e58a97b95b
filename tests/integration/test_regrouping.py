"""A region more, and one less, beside three that serve; `make drill-outage ONLY=fourth-region` has users come."""

from __future__ import annotations

import httpx

from lab import galera, named, regrouping
from lab.programs import programs
from lab.regions import NAMES, Region, regions_of
from lab.status import READY, health
from lab.trial import FIRST_ADDRESS, Trial


def named_anywhere(trial: Trial, region: Region) -> bool:
    return any(named.names(trial.laboratory, server, region) for server in trial.regions)


def members(trial: Trial) -> set[str]:
    return {galera.status(trial.laboratory.member(region))["cluster_size"] for region in trial.regions}


def unwell(trial: Trial) -> dict[str, str]:
    found = {program.name: health(trial.laboratory, program) for program in programs(trial.laboratory)}
    return {name: why for name, why in found.items() if why != READY}


def test_a_fourth_region_joins_three_and_leaves_them_again(regions: Trial) -> None:
    regions.load_sample()
    north = regions_of(FIRST_ADDRESS, (*NAMES, "north"))[-1]

    four = Trial(regrouping.admit(regions.laboratory, north))
    before_it_was_declared = named_anywhere(four, north)
    regrouping.declare(four.laboratory, north)
    joined = unwell(four), named_anywhere(four, north), four.laboratory.embedded or members(four)
    served = httpx.get(f"{north.public_url}/slugsurvival/data/fetch/terms", trust_env=False)
    three = Trial(regrouping.dismiss(four.laboratory, north))

    assert not before_it_was_declared
    assert joined == ({}, True, regions.laboratory.embedded or {"4"})
    assert served.status_code == 200
    assert unwell(three) == {}
    assert not named_anywhere(three, north)
    assert three.laboratory == regions.laboratory
    assert regions.laboratory.embedded or members(three) == {"3"}
