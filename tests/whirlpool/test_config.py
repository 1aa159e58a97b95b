from __future__ import annotations

import pytest
from pydantic import SecretStr, ValidationError

from broker.environment import BadEnvironment, read_environment
from whirlpool.config import DatabaseConfig, WhirlpoolSettings
from whirlpool.engine import open_engine

ENVIRONMENT = {"LOCALGROUP_REGION": "west", "LOCALGROUP_DATABASE_URL": "mysql://user:secret@127.0.1.1:3306/localgroup"}


def test_a_region_and_a_database_are_enough() -> None:
    settings = read_environment(WhirlpoolSettings, ENVIRONMENT)
    assert settings.broker_config().node == "whirlpool-west-1"
    assert settings.database_config().pool_size == 8


def test_the_number_of_connections_can_be_set() -> None:
    settings = read_environment(WhirlpoolSettings, ENVIRONMENT | {"LOCALGROUP_DATABASE_CONNECTIONS": "3"})
    assert settings.database_config().pool_size == 3


@pytest.mark.parametrize(
    "url", ["", "localhost", "postgresql://user:secret@127.0.1.1/localgroup", "mysql://a:b@c:port/d"]
)
def test_a_bad_database_url_is_refused_by_the_variables_name_and_without_the_password(url: str) -> None:
    with pytest.raises(BadEnvironment) as refused:
        read_environment(WhirlpoolSettings, ENVIRONMENT | {"LOCALGROUP_DATABASE_URL": url})
    assert str(refused.value).startswith("LOCALGROUP_DATABASE_URL: ")
    assert "secret" not in str(refused.value)


def test_settings_do_not_show_the_password() -> None:
    assert "secret" not in repr(read_environment(WhirlpoolSettings, ENVIRONMENT))


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("mysql://user:secret@127.0.1.1/localgroup", "asyncmy"),
        ("mysql+aiomysql://user:secret@127.0.1.1/localgroup", "asyncmy"),
        ("mariadb://user:secret@127.0.1.1/localgroup", "asyncmy"),
        ("sqlite:////tmp/file.db", "aiosqlite"),
    ],
)
def test_the_driver_is_chosen_by_the_familys_name(url: str, driver: str) -> None:
    assert open_engine(DatabaseConfig(database_url=SecretStr(url))).dialect.driver == driver


def test_limits_must_be_sensible() -> None:
    with pytest.raises(ValidationError):
        DatabaseConfig(database_url=SecretStr("sqlite:///x"), pool_size=0)
