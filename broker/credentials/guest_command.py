"""`mesh credentials`: let a node or client of somebody else into a secured mesh, until a day that is given."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from broker.credentials import guests
from broker.credentials.guests import Guest
from broker.credentials.issuing import read_issuer
from broker.environment import BadEnvironment, read_environment
from broker.local_mesh import completed
from broker.settings import Authority, NatsUrls
from schema.errors import Invalid

DAYS = 365
DAYS_MAX = 3_650
MISUSED = 2


def _check_issuer(path: Path) -> Path:
    try:
        read_issuer(path)
    except Invalid as error:
        raise ValueError(error.message) from None
    return path


class IssuingSettings(BaseModel):
    """A mesh on this machine has left all of these for its owner; elsewhere the environment says them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    nats_urls: NatsUrls
    nats_tls_ca: Authority
    nats_issuer: Annotated[Path, AfterValidator(_check_issuer)]
    """Makes guests: `roles/guest.json` of the mesh's credentials."""


def credentials(
    name: Annotated[str, typer.Argument(help="What the guest is called.", show_default=False)],
    services: Annotated[str, typer.Option(help="Services it may call, with commas between them.")] = "",
    serves: Annotated[str, typer.Option(help="Services it answers for, with commas between them.")] = "",
    days: Annotated[int, typer.Option(help="How long it is let in.", min=1, max=DAYS_MAX)] = DAYS,
    folder: Annotated[Path, typer.Option(help="Where a folder of its name is made.")] = Path(),
) -> None:
    """Issue what a foreign node or a plain NATS client needs to join."""
    try:
        settings = read_environment(IssuingSettings, completed(os.environ))
        guest = Guest(name=name, services=_listed(services), serves=_listed(serves))
    except BadEnvironment as error:
        raise _misused(f"only the owner of a mesh lets others in\n{error}") from None
    except ValidationError as error:
        raise _misused(_first(error)) from None
    target = (folder / name).absolute()
    guests.write(
        target,
        guest,
        read_issuer(settings.nats_issuer),
        authority=settings.nats_tls_ca,
        urls=settings.nats_urls,
        now_seconds=int(time.time()),
        days=days,
    )
    print(_explained(target, guest, settings.nats_urls, days))


def _explained(folder: Path, guest: Guest, urls: tuple[str, ...], days: int) -> str:
    return f"""{folder} lets {guest.node} in for {days} days; whoever has {guest.credentials_name} is {guest.node}.

  {guest.credentials_name:<20} who it is
  {"ca.pem":<20} whom it may trust
  {"moleculer.config.js":<20} for a Moleculer node
  {"localgroup.env":<20} for a node or a tool of ours

Any NATS client; its inbox must begin with {guest.inbox}:
  {guests.command_line(folder, guest, urls)}"""


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _first(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_context=False)[0]
    return f"{problem['loc'][0]}: {problem['msg']}"


def _misused(text: str) -> typer.Exit:
    print(text, file=sys.stderr)
    return typer.Exit(MISUSED)
