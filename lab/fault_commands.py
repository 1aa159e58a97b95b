"""`python -m lab fault`: what a running laboratory is made to suffer, and how that is taken back."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from broker.local_mesh import state_folder
from lab.faults import Faults
from lab.laboratory import remembered
from lab.progress import console
from lab.supervisor import Supervisor

app = typer.Typer(no_args_is_help=True, help="Make what runs suffer. NAMES are processes, or regions for all in them.")

Names = Annotated[list[str], typer.Argument(help="Processes such as messier-iowa-1, or regions.")]
Other = Annotated[str | None, typer.Argument(help="The other region; without it, all others.")]
OneWay = Annotated[bool, typer.Option("--one-way", help="Only what the first sends to the second.")]


def faults() -> Faults:
    laboratory = remembered(state_folder())
    if laboratory is None or not Supervisor(laboratory).answers():
        sys.exit("nothing runs: `make lab` starts regions that are apart")
    return Faults(laboratory)


@app.command()
def kill(names: Names, down: Annotated[bool, typer.Option("--down", help="They stay down.")] = False) -> None:
    """End processes without warning; supervision starts them again."""
    found = faults()
    found.kill_for_good(*names) if down else found.kill(*names)


@app.command()
def start(names: Names) -> None:
    """Start what stayed down."""
    faults().start(*names)


@app.command()
def restart(names: Names) -> None:
    """One after another, as for an upgrade."""
    faults().restart(*names)


@app.command()
def pause(names: Names) -> None:
    """Stop processes where they are (SIGSTOP)."""
    faults().pause(*names)


@app.command()
def resume(names: Names) -> None:
    """Let paused processes go on."""
    faults().resume(*names)


@app.command()
def cut(
    region: str,
    other: Other = None,
    one_way: OneWay = False,
    port: Annotated[int | None, typer.Option(help="Connections to this port alone.")] = None,
) -> None:
    """Cut the link between two regions, or a region off from all others."""
    links = faults().links
    if other is None:
        if one_way or port is not None:
            raise typer.BadParameter("one way and single ports are of a link: name both its regions")
        links.cut_off(region)
    elif port is not None:
        if one_way:
            raise typer.BadParameter("a port is cut both ways")
        links.cut_port(region, other, port)
    elif one_way:
        links.cut_one_way(region, other)
    else:
        links.cut(region, other)


@app.command()
def join(region: str, other: Other = None) -> None:
    """Take cuts back: of a link, or of all links of a region."""
    links = faults().links
    links.rejoin(region) if other is None else links.heal(region, other)


@app.command()
def delay(
    region: str,
    other: str,
    milliseconds: Annotated[float, typer.Argument(help="Each way.")],
    jitter: Annotated[float | None, typer.Option(help="Milliseconds that chance adds at most.")] = None,
    loss: Annotated[float | None, typer.Option(help="The share of packets that is lost.")] = None,
    megabits: Annotated[float | None, typer.Option(help="Bandwidth, a second.")] = None,
    one_way: OneWay = False,
) -> None:
    """Change what a link is like. What is not named stays."""
    named = {"delay_ms": milliseconds, "jitter_ms": jitter, "loss": loss, "bandwidth_mbit": megabits}
    settings: dict[str, object] = {name: value for name, value in named.items() if value is not None}
    links = faults().links
    change = links.change_one_way if one_way else links.change
    change(region, other, **settings)


@app.command()
def slow(names: Names, milliseconds: Annotated[float, typer.Option("--by", help="Milliseconds a request.")]) -> None:
    """Make every request take longer."""
    faults().slow(*names, work_ms=milliseconds)


@app.command()
def limit(names: Names, concurrency: Annotated[int, typer.Option("--to", help="Requests at once.")]) -> None:
    """Let the others wait."""
    faults().limit(*names, concurrency=concurrency)


@app.command("fail-fast")
def fail_fast(names: Names, code: Annotated[str, typer.Option(help="Of the error.")] = "internal") -> None:
    """Answer every request at once, with an error."""
    faults().fail_fast(*names, code=code)


@app.command("black-hole")
def black_hole(names: Names) -> None:
    """Take requests, and answer none."""
    faults().black_hole(*names)


@app.command()
def cure(names: Names) -> None:
    """Services do as they should again."""
    faults().cure(*names)


@app.command()
def heal() -> None:
    """Take everything back, and wait until all is well."""
    faults().heal()
    console.print("all is well")
