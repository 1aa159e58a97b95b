"""What every tier reads from its environment. A tier derives its own settings from these."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from broker.config import BrokerConfig, Namespace, NodeName, Region
from broker.nats_settings import NatsSettings

NATS_URL_DEFAULT = "nats://127.0.1.1:4222"
"""The first region of a machine that runs several."""
PORT_MAX = 65_535


class Address(NamedTuple):
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def parse_address(value: Any) -> Any:
    """ "127.0.1.1:9090", and "[::1]:9090"."""
    if not isinstance(value, str):
        return value
    host, _, port = value.rpartition(":")
    if not host or not port.isdecimal() or int(port) > PORT_MAX:
        raise ValueError("must be <host>:<port>")
    return Address(host.strip("[]"), int(port))


def split_commas(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


HostAndPort = Annotated[Address, BeforeValidator(parse_address)]
NatsUrl = Annotated[str, Field(pattern=r"^(nats|tls)://\S+$")]
NatsUrls = Annotated[tuple[NatsUrl, ...], BeforeValidator(split_commas), Field(min_length=1, max_length=16)]


class TierSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    tier: ClassVar[str]

    region: Region
    node: NodeName | None = None
    """None: `<tier>-<region>-1`."""
    nats_urls: NatsUrls = (NATS_URL_DEFAULT,)
    namespace: Namespace = ""
    metrics_address: HostAndPort | None = None
    """None: no metrics are served."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    def broker_config(self) -> BrokerConfig:
        node = self.node or f"{self.tier}-{self.region}-1"
        return BrokerConfig(region=self.region, node=node, namespace=self.namespace)

    def nats_settings(self) -> NatsSettings:
        return NatsSettings(self.nats_urls)
