"""The command `andromeda`: the gateway of one region as a process. Its settings come from the environment."""

from __future__ import annotations

import os
import sys
from functools import partial

import typer

from andromeda.bootstrap import parts
from andromeda.config import AndromedaSettings
from andromeda.dns.commands import app as dns
from broker.environment import BadEnvironment, read_environment
from broker.process import run

app = typer.Typer(name="andromeda", help="The HTTP gateway of a region.", no_args_is_help=True)
app.add_typer(dns)

BAD_USAGE = 2


@app.callback()
def andromeda() -> None:
    """The HTTP gateway of a region."""


@app.command()
def serve() -> None:
    """Serve HTTP until told to stop. LOCALGROUP_REGION must be set; LOCALGROUP_HTTP_ADDRESS says where."""
    try:
        settings = read_environment(AndromedaSettings, os.environ)
    except BadEnvironment as error:
        print(error, file=sys.stderr)
        raise typer.Exit(BAD_USAGE) from None
    node = settings.broker_config().node
    raise typer.Exit(run(partial(parts, settings), log_level=settings.log_level, node=node, region=settings.region))


def main() -> None:
    app()
