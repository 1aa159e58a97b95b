"""What every tier, and the `mesh` command, say of an environment in which they cannot run."""

from __future__ import annotations

import pytest

from andromeda.config import AndromedaSettings
from broker.commands.joining import MeshSettings
from broker.environment import BadEnvironment, read_environment
from broker.settings import TierSettings
from messier.config import MessierSettings
from whirlpool.config import WhirlpoolSettings

EVERY_TIER = (AndromedaSettings, MeshSettings, MessierSettings, WhirlpoolSettings)
DATABASE = {"LOCALGROUP_DATABASE_URL": "sqlite:////nowhere.db"}


@pytest.mark.parametrize("settings", EVERY_TIER)
@pytest.mark.parametrize("region", ["West Coast", "west_1", "west\n", "x" * 33, "../west", "wést"])
def test_names_the_variable_of_a_region_that_is_none(settings: type[TierSettings], region: str) -> None:
    with pytest.raises(BadEnvironment, match=r"^LOCALGROUP_REGION: [^\n]+$"):
        read_environment(settings, {"LOCALGROUP_REGION": region, **DATABASE})


@pytest.mark.parametrize("settings", EVERY_TIER)
@pytest.mark.parametrize("region", ["west", "eu-1", "x" * 32])
def test_makes_a_node_of_every_region_that_it_reads(settings: type[TierSettings], region: str) -> None:
    read = read_environment(settings, {"LOCALGROUP_REGION": region, **DATABASE})
    assert read.broker_config().node == f"{settings.tier}-{region}-1"
