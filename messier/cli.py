"""The command `messier`: the logic tier as a process, and what brings a catalogue into the mesh."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console

from broker.environment import BadEnvironment, read_environment
from broker.process import run
from broker.workers import run_workers
from messier.archive import Unreadable
from messier.bootstrap import build
from messier.config import MessierSettings
from messier.loading import FAILED, load
from messier.sample import SEED, write_sample
from schema.errors import MeshError

app = typer.Typer(name="messier", no_args_is_help=True, add_completion=False)


@app.callback()
def messier() -> None:
    """The logic of the course catalogue: documents, search, and loading."""


@app.command()
def serve() -> None:
    """Serve documents to the mesh until told to stop. LOCALGROUP_REGION must be set."""
    settings = _settings()

    def work(number: int) -> int:
        own = settings.of_worker(number)
        return run(partial(build, own), log_level=own.log_level, node=own.broker_config().node, region=own.region)

    raise typer.Exit(run_workers(settings.workers, work))


@app.command(name="load")
def load_catalogue(
    path: Annotated[Path, typer.Argument(help="A folder, .tar.xz, .tar.gz, .tar or .zip.", show_default=False)],
) -> None:
    """Load a catalogue through the mesh; what is there already is left alone.

    Exits with 2 if malformed files were left out, with 1 if anything else could not be loaded."""
    settings = _settings()
    try:
        status = uvloop.run(load(path, settings, Console(stderr=True)))
    except (Unreadable, MeshError, OSError) as error:
        raise _failure(str(error)) from None
    raise typer.Exit(status)


@app.command()
def sample(
    folder: Annotated[Path, typer.Argument(help="Where to write it.", show_default=False)],
    seed: Annotated[int, typer.Option(help="The same seed writes the same catalogue.")] = SEED,
) -> None:
    """Write a small generated catalogue in the shapes of a real one."""
    try:
        files = write_sample(folder, seed)
    except OSError as error:
        raise _failure(str(error)) from None
    print(f"{len(files)} files in {folder}")


def main() -> None:
    app()


def _settings() -> MessierSettings:
    try:
        return read_environment(MessierSettings, os.environ)
    except BadEnvironment as error:
        raise _failure(str(error)) from None


def _failure(text: str) -> typer.Exit:
    print(f"messier: {text}", file=sys.stderr)
    return typer.Exit(FAILED)
