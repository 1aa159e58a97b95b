"""`andromeda dns`: check a declaration, write what a name server needs, and watch the regions for it."""

from __future__ import annotations

import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from andromeda.dns import hosted, powerdns, zone
from andromeda.dns.bootstrap import parts
from andromeda.dns.config import NamesSettings
from andromeda.dns.declaration import BadDeclaration, Declaration, read
from broker.environment import BadEnvironment, read_environment
from broker.process import run

app = typer.Typer(name="dns", help="Names that follow health and distance.", no_args_is_help=True)

BAD_USAGE = 2
DNS_PORT = 53

DeclarationPath = Annotated[Path, typer.Argument(help="The TOML file that declares regions.")]


@app.command()
def check(path: DeclarationPath) -> None:
    """Say whether a declaration is right, and what it comes to."""
    declaration = _read(path)
    names = ", ".join(host if host != "@" else declaration.zone for host in declaration.hosts)
    print(f"zone {declaration.zone}: {names} for {', '.join(declaration.regions)}; TTL {declaration.ttl_seconds} s")


@app.command()
def render(
    path: DeclarationPath,
    region: Annotated[str, typer.Option(help="Whose name server it is for.")],
    to: Annotated[Path, typer.Option(help="The folder that PowerDNS is given as --config-dir.")],
    port: Annotated[int, typer.Option(min=1, max=65_535)] = DNS_PORT,
    user: Annotated[str, typer.Option(help="Whom PowerDNS becomes when root starts it.")] = "",
) -> None:
    """Write the settings, the zone and the script of one region's PowerDNS."""
    declaration = _read(path)
    if region not in declaration.regions:
        raise _misused(f"no region {region}; there are {', '.join(declaration.regions)}")
    powerdns.write(to.absolute(), declaration, region, port=port, serial=int(time.time()), user=user)


@app.command("zone")
def zone_command(path: DeclarationPath) -> None:
    """Print the zone, as every region's name server has it."""
    print(zone.zone(_read(path), Path.cwd(), serial=int(time.time())), end="")


@app.command()
def octodns(
    path: DeclarationPath,
    to: Annotated[Path, typer.Option(help="A folder, in which octodns-sync is then called.")],
    provider: Annotated[str, typer.Option(help=f"One of {', '.join(hosted.PROVIDERS)}.")] = "route53",
) -> None:
    """Write the configuration of octoDNS for a hosted DNS that answers beside ours."""
    declaration = _read(path)
    if provider not in hosted.PROVIDERS:
        raise _misused(f"no provider {provider}; there are {', '.join(hosted.PROVIDERS)}")
    for name, content in hosted.files_of(declaration, provider, hosted.PROVIDERS[provider]).items():
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        (to / name).write_bytes(content)


@app.command()
def watch() -> None:
    """Keep a name server's knowledge fresh until told to stop. LOCALGROUP_DNS_DECLARATION and LOCALGROUP_DNS_FOLDER
    say of what and where."""
    try:
        settings = read_environment(NamesSettings, os.environ)
        declaration = read(settings.dns_declaration)
    except (BadEnvironment, BadDeclaration) as error:
        raise _misused(str(error)) from None
    node = settings.broker_config().node
    build = partial(parts, settings, declaration)
    raise typer.Exit(run(build, log_level=settings.log_level, node=node, region=settings.region))


def _read(path: Path) -> Declaration:
    try:
        return read(path)
    except BadDeclaration as error:
        raise _misused(f"{path}: {error}") from None


def _misused(text: str) -> typer.Exit:
    print(text, file=sys.stderr)
    return typer.Exit(BAD_USAGE)
