"""What a messier is made of, and what its environment may say."""

import pytest

from broker import Broker
from broker.environment import BadEnvironment, read_environment
from broker.observe.exposition import Exposition
from messier.bootstrap import build
from messier.config import DOCUMENTS_BYTES, MessierSettings
from messier.jobs import Jobs

WEST = {"LOCALGROUP_REGION": "west"}


def no_failure(error: Exception) -> None:
    raise error


def test_metrics_are_there_before_the_mesh_is_so_that_they_can_say_why_not() -> None:
    settings = read_environment(MessierSettings, WEST | {"LOCALGROUP_METRICS_ADDRESS": "127.77.41.1:9091"})
    assert [type(part) for part in build(settings, no_failure)] == [Exposition, Broker, Jobs]


def test_metrics_are_served_only_where_an_address_is_given() -> None:
    assert [type(part) for part in build(read_environment(MessierSettings, WEST), no_failure)] == [Broker, Jobs]


def test_node_is_named_after_tier_and_region() -> None:
    assert read_environment(MessierSettings, WEST).broker_config().node == "messier-west-1"


def test_cache_s_size_may_be_given() -> None:
    given = WEST | {"LOCALGROUP_DOCUMENT_CACHE_BYTES": "2000000"}
    assert read_environment(MessierSettings, WEST).document_cache_bytes == DOCUMENTS_BYTES
    assert read_environment(MessierSettings, given).document_cache_bytes == 2_000_000


@pytest.mark.parametrize("value", ["many", "-1", "0"])
def test_bad_size_is_refused_by_the_variable_s_name(value: str) -> None:
    with pytest.raises(BadEnvironment, match="LOCALGROUP_DOCUMENT_CACHE_BYTES"):
        read_environment(MessierSettings, WEST | {"LOCALGROUP_DOCUMENT_CACHE_BYTES": value})
