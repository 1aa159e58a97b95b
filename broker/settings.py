"""What every tier reads from its environment. A tier derives its own settings from these."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from broker.clock import Clock
from broker.config import BrokerConfig, Namespace, NodeName, Region
from broker.injected_faults import FaultsFile, InjectedFaults
from broker.middleware import Middleware
from broker.nats.credentials import Anonymous, CredentialsFile
from broker.nats.settings import NatsSettings
from schema.errors import Invalid

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


def trusting(authority: Path) -> ssl.SSLContext:
    """Only servers that this authority vouches for. Raises `ValueError`."""
    try:
        return ssl.create_default_context(cafile=authority)
    except (OSError, ssl.SSLError) as error:
        raise ValueError(f"{authority} is no authority's certificate: {error.strerror or error}") from None


def _check_authority(path: Path) -> Path:
    trusting(path)
    return path


def _check_credentials(path: Path) -> Path:
    try:
        CredentialsFile(path).answer("")
    except Invalid as error:
        raise ValueError(error.message) from None
    return path


HostAndPort = Annotated[Address, BeforeValidator(parse_address)]
NatsUrl = Annotated[str, Field(pattern=r"^(nats|tls)://\S+$")]
NatsUrls = Annotated[tuple[NatsUrl, ...], BeforeValidator(split_commas), Field(min_length=1, max_length=16)]
Authority = Annotated[Path, AfterValidator(_check_authority)]
CredentialsPath = Annotated[Path, AfterValidator(_check_credentials)]


class TierSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    tier: ClassVar[str]

    region: Region
    node: NodeName | None = None
    """None: `<tier>-<region>-1`."""
    nats_urls: NatsUrls = (NATS_URL_DEFAULT,)
    """Its own region's hub first. The others serve while that one is gone."""
    nats_tls_ca: Authority | None = None
    """The authority whose word is taken for the hubs; nothing is then sent in the clear."""
    nats_credentials: CredentialsPath | None = None
    """A `.creds` file, or one with an NKey's seed."""
    namespace: Namespace = ""
    metrics_address: HostAndPort | None = None
    """None: no metrics are served."""
    injected_faults: Path | None = None
    """For laboratories only: the file that says what this node is to do wrong. None: there is no such thing here."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    def broker_config(self) -> BrokerConfig:
        node = self.node or f"{self.tier}-{self.region}-1"
        return BrokerConfig(region=self.region, node=node, tier=self.tier, namespace=self.namespace)

    def middlewares(self, clock: Clock) -> Sequence[Middleware]:
        path = self.injected_faults
        return () if path is None else (InjectedFaults(FaultsFile(path).current, clock),)

    def nats_settings(self) -> NatsSettings:
        path = self.nats_credentials
        return NatsSettings(
            self.nats_urls,
            credentials=Anonymous() if path is None else CredentialsFile(path),
            tls=None if self.nats_tls_ca is None else trusting(self.nats_tls_ca),
        )
