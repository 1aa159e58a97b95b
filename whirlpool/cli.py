"""`whirlpool`: the persistence tier, from the command line. It is configured by environment variables alone."""

from __future__ import annotations

import os
from functools import partial

import typer

from broker.environment import BadEnvironment, read_environment
from broker.process import run
from broker.workers import run_workers
from whirlpool.bootstrap import build
from whirlpool.config import WhirlpoolSettings

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def whirlpool() -> None:
    """Persistence services over SQL: rows behind request and reply."""


@app.command()
def serve() -> None:
    """Serve this region's database to the mesh, until a signal says otherwise."""
    try:
        settings = read_environment(WhirlpoolSettings, os.environ)
    except BadEnvironment as error:
        typer.echo(f"whirlpool: {error}", err=True)
        raise typer.Exit(2) from error

    def work(number: int) -> int:
        own = settings.of_worker(number)
        return run(partial(build, own), log_level=own.log_level, node=own.broker_config().node, region=own.region)

    raise typer.Exit(run_workers(settings.workers, work))


def main() -> None:
    app()
