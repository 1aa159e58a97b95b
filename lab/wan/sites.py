"""What the laboratory's network joins: sites, each a network namespace with a /24 of addresses, and a link each way
between any two.

A site is a region, where servers run, or a place of clients. One more site, `home`, is this machine itself: without
delay and never cut, so that whoever watches the laboratory sees it whatever happens to its links.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from lab.wan.link import LinkSettings

HOME, HOME_NUMBER = "home", 254
NETWORK = "10.77"
"""Of `make lab`. Trials use others, so that both run side by side."""
TRIAL_NETWORK = "10.78"
DEVICE = "wan0"
"""In every namespace."""
PLAN = "network.json"
"""In the laboratory's folder."""

Number = Annotated[int, Field(ge=1, le=HOME_NUMBER)]


class Site(BaseModel):
    """`namespace`: empty for this machine itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,24}$")]
    number: Number
    network: str
    namespace: str
    device: str = DEVICE

    @property
    def address(self) -> str:
        """The others of its /24 are its own as well."""
        return f"{self.network}.{self.number}.1"

    @property
    def everywhere(self) -> str:
        """The addresses of all sites."""
        return f"{self.network}.0.0/16"


class OneWay(BaseModel):
    """The link from one site to another."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    target: str
    settings: LinkSettings


class Plan(BaseModel):
    """All that the forwarder is told at its start. Links that are not listed have no delay."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sites: tuple[Site, ...]
    links: tuple[OneWay, ...]
    seed: int
    prefix: str
    """Of the namespaces' names, which all such begin with."""
    control: str
    """The path of the socket on which it is asked and told."""
