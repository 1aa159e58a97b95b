"""`python -m lab`: what the make targets call."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from broker.local_mesh import state_folder
from lab import (
    cluster,
    cluster_secrets,
    decisions,
    fault_commands,
    name_servers,
    node,
    packages,
    status,
    up,
    wan_commands,
)
from lab import down as ending
from lab.backups.making import BACKUPS, BackupExists, backups_folder, make
from lab.backups.manifest import BadBackup
from lab.backups.restoring import restore
from lab.catalogue import LoadFailed
from lab.catalogue import ensure as load_catalogue
from lab.command import CommandFailed
from lab.decisions import BadDecision
from lab.faults import Unobeyed
from lab.laboratory import REMEMBERED, Laboratory, remembered
from lab.ports import AddressMissing, PortTaken
from lab.progress import console
from lab.readiness import NotReady
from lab.recovery import DifferentHistories
from lab.regions import FIRST_ADDRESS, NAMES, Region, regions_of
from lab.supervisor import ProgramFailed, Supervisor
from lab.wan.controls import ChangeRefused, ForwarderGone
from lab.wan.map import CITIES
from lab.wan.namespaces import NetworkRefused

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Three regions on this machine.")
app.add_typer(fault_commands.app, name="fault")

EXPECTED = (
    AddressMissing,
    BackupExists,
    BadBackup,
    BadDecision,
    ChangeRefused,
    CommandFailed,
    DifferentHistories,
    ForwarderGone,
    LoadFailed,
    NetworkRefused,
    NotReady,
    PortTaken,
    ProgramFailed,
    Unobeyed,
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
        if before.wan:
            sys.exit("the WAN laboratory runs here: `make down` first")
        return before
    why = why_embedded(state)
    if why:
        console.print(f"embedded storage, one SQLite file for all regions: {why}")
    if why_no_names := name_servers.why_none():
        console.print(why_no_names)
    regions = regions_of(os.environ.get("LOCALGROUP_FIRST_ADDRESS", FIRST_ADDRESS))
    return Laboratory(state, regions, embedded=why is not None, dns=why_no_names is None)


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
def wan(
    regions: Annotated[int, typer.Option(min=2, max=len(CITIES))] = len(CITIES), catalogue: CataloguePath = None
) -> None:
    """Start regions that are as far apart as cities of the United States (needs root)."""
    wan_commands.require_namespaces()
    state = state_folder()
    with alone(state):
        why = why_embedded(state)
        laboratory = wan_commands.choose(state, regions, embedded=why is not None)
        wan_commands.start(laboratory)
        load_catalogue(laboratory, catalogue and catalogue.absolute())
    console.print(status.region_table(laboratory))
    wan_commands.show_links(state)
    console.print("try\n  python -m lab fault --help\n  make lab-status | make logs | make lab-down")


@app.command()
def links() -> None:
    """Measure round trips between regions that are apart, and show what their links carried."""
    if not wan_commands.show_links(state_folder()):
        sys.exit("no regions run here that are apart: `make lab` starts them")


@app.command()
def install() -> None:
    """Install what tests need beside Python: servers and a builder of images where that is possible, foreign nodes."""
    state = state_folder()
    if why := why_embedded(state):
        console.print(f"embedded storage: {why}")
    packages.ensure_builder(state / "logs" / "builder.log")
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
    """Stop everything and erase the data. Backups stay."""
    state = state_folder()
    if not (state / REMEMBERED).exists():
        console.print(f"nothing to erase in {state}")
        return
    if not confirm:
        typer.confirm(f"Erase all data in {state}?", abort=True)
    with alone(state):
        stop(state)
    erase(state)
    console.print(f"erased {state}")


def erase(state: Path) -> None:
    for path in state.iterdir():
        if path.name != BACKUPS:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    if not any(state.iterdir()):
        state.rmdir()


@app.command()
def backup(
    to: Annotated[Path | None, typer.Option(help="Where backups are kept; else in the state folder.")] = None,
    region: Annotated[str | None, typer.Option(help="Whose database is copied; else the last that serves.")] = None,
) -> None:
    """Copy all data while everything goes on, and verify the copy."""
    laboratory = known()
    made = make(
        laboratory, to or backups_folder(laboratory), time.time(), named(laboratory, region) if region else None
    )
    console.print(f"verified backup: {made}")


@app.command("restore")
def restore_command(path: Annotated[Path, typer.Argument(help="A backup.", exists=True)]) -> None:
    """Put a backup in place of the present data, which is moved aside. Nothing may run."""
    with alone(state_folder()):
        laboratory = remembered(state_folder()) or choose()
        if Supervisor(laboratory).answers():
            sys.exit("everything still runs: `make down` first")
        moved = restore(laboratory, path.absolute(), time.time())
    console.print(f"restored{f'; what was there is now in {moved}' if moved else ''}. `make up` starts it")


@app.command()
def recover(
    from_: Annotated[str | None, typer.Option("--from", help="Rely on this region's data alone.")] = None,
) -> None:
    """Start what does not run, beginning with the database that came furthest, and wait until all is well."""
    with alone(state_folder()):
        laboratory = known()
        if from_ and (moved := decisions.rely_on(laboratory, named(laboratory, from_), time.time())):
            console.print(f"what the others had is now in {moved}")
        if not laboratory.embedded and not cluster.any_running(laboratory):
            console.print(status.position_table(laboratory))
        up.start(laboratory)
    console.print(status.region_table(laboratory))


@app.command()
def promote(region: str) -> None:
    """Let a database that lost the majority of its cluster go on alone. The others must really be gone."""
    laboratory = known()
    decisions.promote(laboratory, named(laboratory, region))
    console.print(f"{region} serves alone; the others join it when they are back")


def known() -> Laboratory:
    return remembered(state_folder()) or sys.exit("there is nothing yet; `make up` starts it")


def named(laboratory: Laboratory, region: str) -> Region:
    found = [each for each in laboratory.regions if each.name == region]
    return (
        found[0]
        if found
        else sys.exit(f"no region {region}; there are {', '.join(r.name for r in laboratory.regions)}")
    )


@app.command()
def logs(names: Annotated[list[str] | None, typer.Argument(help="Processes, such as messier-west-1.")] = None) -> None:
    """Follow what the processes write."""
    folder = state_folder() / "logs"
    files = [folder / f"{name}.log" for name in names] if names else sorted(folder.glob("*.log"))
    if not files:
        sys.exit(f"no logs in {folder}")
    os.execvp("tail", ["tail", "-n", "20", "-F", *map(str, files)])  # noqa: S606


@app.command("cluster-secrets")
def write_cluster_secrets(
    folder: Annotated[Path, typer.Argument(help="Only its owner can read it. What is there stays.")],
    regions: Annotated[str, typer.Option(help="Names, with commas between them.")] = ",".join(NAMES),
) -> None:
    """Make what regions in clusters need to know each other: one file of Secrets for each of them."""
    for path in cluster_secrets.write(folder.absolute(), tuple(regions.split(","))):
        print(path)


def main() -> None:
    try:
        app()
    except EXPECTED as error:
        sys.exit(f"{type(error).__name__}: {error}")
