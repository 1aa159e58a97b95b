"""What a crowd of users does: told in one JSON file, read once at the start."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from lab.users.record import Kind

NUMBER = "{n}"
"""In a path: another number in each request, so that no cache has the answer."""

Positive = Annotated[float, Field(gt=0)]


class Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Patience(Frozen):
    """How long a user waits. The defaults are a browser's: it would rather try elsewhere than wait."""

    next_address_seconds: Positive = 0.25
    """Before the next address is tried as well: RFC 8305 recommends it."""
    connect_seconds: Positive = 3.0
    answer_seconds: Positive = 0.5
    """For an answer to begin, to what may be asked again elsewhere."""
    request_seconds: Positive = 10.0
    """For all of it."""


class Group(Frozen):
    """Users of one kind who ask for the same things, in turn. A `write` is a POST with a key of its own."""

    name: str
    kind: Kind
    port: Annotated[int, Field(ge=1, le=65_535)]
    paths: Annotated[tuple[str, ...], Field(min_length=1)]
    per_second: Positive
    users: Annotated[int, Field(ge=1, le=10_000)]
    write: bool = False
    patience: Patience = Patience()


class Plan(Frozen):
    """Users come by name, and each asks one of the `resolvers` for it; where there is none, they know the `addresses`.

    `visit_seconds`: for how long one connection is used, about; then the name is looked up again.
    """

    name: str
    groups: Annotated[tuple[Group, ...], Field(min_length=1)]
    resolvers: tuple[str, ...] = ()
    resolver_port: Annotated[int, Field(ge=1, le=65_535)] = 53
    addresses: tuple[str, ...] = ()
    visit_seconds: Positive = 10.0
    seed: int = 1


def read(path: Path) -> Plan:
    return Plan.model_validate_json(path.read_bytes())
