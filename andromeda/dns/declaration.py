"""The one file that says which regions a name stands for, where they are, and whom each is near to.

    zone = "example.org"

    [regions.west]
    addresses = ["192.0.2.10"]
    weight = 50
    networks = ["198.51.100.0/24"]

Everything else has a default. A mistake is told with its place: `regions.west.weight: ...`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, ValidationError, model_validator

from broker.config import Region

IPAddress: TypeAlias = IPv4Address | IPv6Address
IPNetwork: TypeAlias = IPv4Network | IPv6Network
Family: TypeAlias = Literal["A", "AAAA"]

LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
APEX = "@"
REGIONS_MAX = 32
NETWORKS_MAX = 4_096
"""Of clients, in all regions together; each has its line in a table that name servers read at their start."""


def _checked_name(name: str) -> str:
    labels = name.rstrip(".").lower().split(".")
    if not all(LABEL.fullmatch(label) for label in labels) or len(name) > 253:
        raise ValueError("must be a domain name, such as example.org")
    return ".".join(labels)


def _checked_host(host: str) -> str:
    return host if host == APEX else _checked_name(host)


Name = Annotated[str, AfterValidator(_checked_name)]
Host = Annotated[str, AfterValidator(_checked_host)]
GivenAddress = Annotated[IPAddress, PlainValidator(lambda value: ip_address(str(value)))]
GivenNetwork = Annotated[IPNetwork, PlainValidator(lambda value: ip_network(str(value)))]
"""Either family, and one message where it is neither."""
Seconds = Annotated[float, Field(gt=0, le=300)]


class Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class HealthRules(Frozen):
    """How a region is asked whether it serves, and what its answers make of it."""

    scheme: Literal["http", "https"] = "http"
    port: Annotated[int, Field(ge=1, le=65_535)] = 8080
    path: Annotated[str, Field(pattern=r"^/[\x21-\x7e]*$")] = "/readyz"
    interval_seconds: Seconds = 1.0
    timeout_seconds: Seconds = 0.7
    """Two probes that nobody answers, and what lies between them, are over 3 s after a region went dark."""
    failures_to_leave: Annotated[int, Field(ge=1, le=10)] = 2
    successes_to_return: Annotated[int, Field(ge=1, le=100)] = 5
    """More than to leave: a region that comes and goes is of less use than one that is away."""


class DeclaredRegion(Frozen):
    addresses: Annotated[tuple[GivenAddress, ...], Field(min_length=1, max_length=16)]
    """Where its users go."""
    name_servers: Annotated[tuple[GivenAddress, ...], Field(max_length=4)] = ()
    """Where its name server listens; none said: at its addresses."""
    weight: Annotated[int, Field(ge=0, le=1_000)] = 100
    """Of users whose distance nobody knows, the share that it gets. 0: only if nothing else is left."""
    networks: tuple[GivenNetwork, ...] = ()
    """Of users who are near to it, as long as nobody measured otherwise."""

    @property
    def name_server_addresses(self) -> tuple[IPAddress, ...]:
        return self.name_servers or self.addresses

    def addresses_of(self, family: Family) -> tuple[IPAddress, ...]:
        return tuple(address for address in self.addresses if family_of(address) == family)


class Declaration(Frozen):
    zone: Name
    hosts: Annotated[tuple[Host, ...], Field(min_length=1, max_length=64)] = (APEX, "www")
    """The names of the zone that stand for all regions; `@` is the zone itself."""
    contact: Name | None = None
    """As it stands in the SOA record, a dot for the at sign; None: hostmaster of the zone."""
    ttl_seconds: Annotated[int, Field(ge=1, le=3_600)] = 10
    negative_ttl_seconds: Annotated[int, Field(ge=1, le=3_600)] = 5
    """The SOA record's minimum: for how long a resolver may remember that a name has no such record."""
    answers: Annotated[int, Field(ge=1, le=8)] = 2
    """Regions in one answer, the best first: whoever tries another address has one, and who picks one blindly does not
    end far away."""
    explore: Annotated[int, Field(ge=2, le=1_000_000)] = 20
    """One answer in so many leads with a region whose distance to that client nobody knows yet."""
    health: HealthRules = HealthRules()
    regions: Annotated[dict[Region, DeclaredRegion], Field(min_length=1, max_length=REGIONS_MAX)]

    @model_validator(mode="after")
    def _checked(self) -> Self:
        _refuse_twice("address", ((name, each) for name, region in self.regions.items() for each in region.addresses))
        _refuse_twice("network", ((name, each) for name, region in self.regions.items() for each in region.networks))
        if sum(len(region.networks) for region in self.regions.values()) > NETWORKS_MAX:
            raise ValueError(f"at most {NETWORKS_MAX} networks")
        if not any(region.weight for region in self.regions.values()):
            raise ValueError("at least one region needs a weight above 0")
        return self

    @property
    def families(self) -> tuple[Family, ...]:
        """Those of which any region has an address."""
        found = {family_of(address) for region in self.regions.values() for address in region.addresses}
        return tuple(family for family in FAMILIES if family in found)

    @property
    def soa_contact(self) -> str:
        return self.contact or f"hostmaster.{self.zone}"


FAMILIES: Sequence[Family] = ("A", "AAAA")


def family_of(address: IPAddress) -> Family:
    return "A" if address.version == 4 else "AAAA"


def _refuse_twice(what: str, named: Any) -> None:
    seen: dict[object, str] = {}
    for region, value in named:
        if value in seen:
            raise ValueError(f"{what} {value} stands in {seen[value]} and in {region}")
        seen[value] = region


class BadDeclaration(ValueError):
    """Its text names each mistake and its place, one a line."""


def parse(text: str) -> Declaration:
    """Raises `BadDeclaration`."""
    try:
        return declared(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BadDeclaration(f"not TOML: {error}") from None


def declared(fields: Mapping[str, Any]) -> Declaration:
    """Raises `BadDeclaration`."""
    try:
        return Declaration.model_validate(fields)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        raise BadDeclaration("\n".join(_sentence(problem["loc"], problem["msg"]) for problem in problems)) from None


def read(path: Path) -> Declaration:
    """Raises `BadDeclaration`, also where there is no such file."""
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadDeclaration(f"cannot be read: {error}") from None


def _sentence(location: tuple[int | str, ...], message: str) -> str:
    plain = message.removeprefix("Value error, ")
    return f"{'.'.join(map(str, location))}: {plain}" if location else plain
