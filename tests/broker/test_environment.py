from __future__ import annotations

from typing import ClassVar

import pytest
from pydantic import ValidationError

from broker.environment import BadEnvironment, read_environment
from broker.settings import Address, TierSettings


class Settings(TierSettings):
    tier: ClassVar[str] = "messier"


def test_reads_each_field_from_the_variable_of_its_name() -> None:
    settings = read_environment(
        Settings,
        {
            "LOCALGROUP_REGION": "east",
            "LOCALGROUP_NATS_URLS": "nats://127.0.3.1:4222, tls://hub:4222",
            "LOCALGROUP_METRICS_ADDRESS": "127.0.3.1:9091",
            "LOCALGROUP_NAMESPACE": "",
            "HOME": "/root",
        },
    )
    assert settings.nats_urls == ("nats://127.0.3.1:4222", "tls://hub:4222")
    assert settings.metrics_address == Address("127.0.3.1", 9091)
    assert settings.broker_config().node == "messier-east-1"


def test_takes_the_node_name_that_is_given() -> None:
    settings = read_environment(Settings, {"LOCALGROUP_REGION": "east", "LOCALGROUP_NODE": "messier-east-7"})
    assert settings.broker_config().node == "messier-east-7"


def test_names_every_variable_that_is_missing_or_wrong() -> None:
    environ = {"LOCALGROUP_NATS_URLS": "http://hub", "LOCALGROUP_METRICS_ADDRESS": "9091"}
    with pytest.raises(BadEnvironment) as caught:
        read_environment(Settings, environ)
    named = {line.partition(":")[0] for line in str(caught.value).splitlines()}
    assert named == {"LOCALGROUP_REGION", "LOCALGROUP_NATS_URLS", "LOCALGROUP_METRICS_ADDRESS"}


def test_does_not_repeat_a_secret_in_its_error() -> None:
    with pytest.raises(BadEnvironment) as caught:
        read_environment(Settings, {"LOCALGROUP_REGION": "east", "LOCALGROUP_NATS_URLS": "http://user:hunter2@hub"})
    assert "hunter2" not in str(caught.value)


def test_does_not_change_after_it_was_read() -> None:
    settings = read_environment(Settings, {"LOCALGROUP_REGION": "east"})
    with pytest.raises(ValidationError):
        settings.region = "west"  # type: ignore[misc]
