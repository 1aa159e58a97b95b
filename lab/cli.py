"""`python -m lab`: what the make targets call."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from broker.local_mesh import state_folder
from lab import down as ending
from lab import node, packages, status, up
from lab.catalogue import LoadFailed
from lab.command import CommandFailed
from lab.laboratory import REMEMBERED, Laboratory, remembered
from lab.ports import AddressMissing, PortTaken
from lab.progress import console
from lab.readiness import NotReady
from lab.recovery import DifferentHistories
from lab.regions import FIRST_ADDRESS, regions_of
from lab.supervisor import ProgramFailed, Supervisor

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Three regions on this machine.")

EXPECTED = (
    AddressMissing,
    CommandFailed,
    DifferentHistories,
    LoadFailed,
    NotReady,
    PortTaken,
    ProgramFailed,
)
"""What may go wrong without a defect of ours: told in one line."""

TRY = """try
  curl {url}/slugsurvival/data/fetch/terms
  curl '{url}/slugsurvival/data/search?q=introduction&limit=3'
  open {url}/docs
  make status | make logs | make down"""


@contextmanager
def alone(state: Path) -> Iterator[None]:
    """Two at once would start everything twice."""
    state.mkdir(parents=True, exist_ok=True)
    with (state / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"another `make up` or `make down` is at work in {state}")
        yield


def choose() -> Laboratory:
    """What runs already stays as it is; else real databases where they can be had, else the embedded one."""
    state = state_folder()
    before = remembered(state)
    if before and Supervisor(before).answers():
        return before
    why = why_embedded(state)
    if why:
        console.print(f"embedded storage, one SQLite file for all regions: {why}")
    return Laboratory(
        state, regions_of(os.environ.get("LOCALGROUP_FIRST_ADDRESS", FIRST_ADDRESS)), embedded=why is not None
    )


def why_embedded(state: Path) -> str | None:
    log = state / "logs" / "apt.log"
    return packages.why_embedded(os.environ, lambda: packages.ensure(log), root=packages.is_root())


CataloguePath = Annotated[Path | None, typer.Option(exists=True, help="An archive or a folder of documents.")]


@app.command("up")
def up_command(catalogue: CataloguePath = None) -> None:
    """Start everything that does not run, load a catalogue, and say where to look."""
    with alone(state_folder()):
        laboratory = choose()
        up.up(laboratory, catalogue and catalogue.absolute())
    console.print(status.region_table(laboratory))
    console.print(TRY.format(url=laboratory.regions[0].public_url))


@app.command()
def install() -> None:
    """Install the database servers, where that is possible, and the tests' foreign nodes."""
    state = state_folder()
    if why := why_embedded(state):
        console.print(f"embedded storage: {why}")
    node.install(state / "logs" / "npm.log")


@app.command("down")
def down_command() -> None:
    """Stop everything; the data stays."""
    with alone(state_folder()):
        stop(state_folder())


def stop(state: Path) -> None:
    laboratory = remembered(state)
    if laboratory and ending.stop(laboratory):
        console.print("everything is stopped: no process and no open port is left; the data stays")
    else:
        console.print("nothing runs")


@app.command("status")
def status_command() -> None:
    """Show every process, its health, and the sizes of the clusters."""
    laboratory = remembered(state_folder())
    if laboratory is None or not status.show(laboratory):
        raise typer.Exit(1)


@app.command()
def reset(confirm: Annotated[bool, typer.Option("--confirm", help="Do not ask.")] = False) -> None:
    """Stop everything and erase the data."""
    state = state_folder()
    if not (state / REMEMBERED).exists():
        console.print(f"nothing to erase in {state}")
        return
    if not confirm:
        typer.confirm(f"Erase all data in {state}?", abort=True)
    with alone(state):
        stop(state)
    shutil.rmtree(state)
    console.print(f"erased {state}")


@app.command()
def logs(names: Annotated[list[str] | None, typer.Argument(help="Processes, such as messier-west-1.")] = None) -> None:
    """Follow what the processes write."""
    folder = state_folder() / "logs"
    files = [folder / f"{name}.log" for name in names] if names else sorted(folder.glob("*.log"))
    if not files:
        sys.exit(f"no logs in {folder}")
    os.execvp("tail", ["tail", "-n", "20", "-F", *map(str, files)])  # noqa: S606


def main() -> None:
    try:
        app()
    except EXPECTED as error:
        sys.exit(f"{type(error).__name__}: {error}")
