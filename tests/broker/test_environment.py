from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import ValidationError

from broker.environment import BadEnvironment, read_environment
from broker.nats import nkey
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


@pytest.mark.parametrize("variable", ["LOCALGROUP_NATS_TLS_CA", "LOCALGROUP_NATS_CREDENTIALS"])
@pytest.mark.parametrize(
    "content", [None, b"", b"nothing that is wanted", b"-----BEGIN NATS USER JWT-----\nx\n", b"\xff"]
)
def test_names_the_variable_of_a_file_that_is_of_no_use(tmp_path: Path, variable: str, content: bytes | None) -> None:
    path = tmp_path / "given"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadEnvironment, match=rf"^{variable}: [^\n]+$"):
        read_environment(Settings, {"LOCALGROUP_REGION": "east", variable: str(path)})


def test_joins_with_the_seed_of_an_nkey(tmp_path: Path) -> None:
    pair, path = nkey.create(), tmp_path / "user.seed"
    path.write_text(f"{pair.seed}\n")
    settings = read_environment(Settings, {"LOCALGROUP_REGION": "east", "LOCALGROUP_NATS_CREDENTIALS": str(path)})
    assert settings.nats_settings().credentials.answer("nonce")["nkey"] == pair.public


def test_without_an_authority_nothing_is_asked_of_the_hubs() -> None:
    assert read_environment(Settings, {"LOCALGROUP_REGION": "east"}).nats_settings().tls is None
