"""`mesh evacuate REGION`, and `mesh return REGION`: a region leaves service and comes back, step by step."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from broker.clock import SystemClock
from broker.commands.joining import run, say
from broker.evacuation import Evacuation, Say
from broker.mesh import Broker

PATIENCE_SECONDS = 120.0
"""An idle connection lives 15 s; a request under way has its deadline; the rest is for a busy day."""
PLAIN_COLUMNS = 200

Region = Annotated[str, typer.Argument(help="Its name, as `mesh nodes` shows it.")]
Patience = Annotated[float, typer.Option("--wait", help="Seconds that each step may take.", min=1, max=3_600)]


def evacuate(
    region: Region,
    force: Annotated[bool, typer.Option("--force", help="Also if no other region is ready.")] = False,
    wait: Patience = PATIENCE_SECONDS,
) -> None:
    """Take a region out of service so that no user notices: first its names, then its users, then its nodes."""

    async def carry_out(broker: Broker) -> None:
        await Evacuation(broker, region, SystemClock(), step, patience_seconds=wait).evacuate(forced=force)

    run(carry_out)
    say(f"{region} serves nobody any more; its processes may be stopped. `mesh return {region}` puts it back")


async def bring_back(broker: Broker, region: str, wait_seconds: float) -> None:
    await Evacuation(broker, region, SystemClock(), step, patience_seconds=wait_seconds).bring_back()


@contextmanager
def step(title: str) -> Iterator[Say]:
    """A turning wheel, the time so far, and what is waited for; elsewhere than on a terminal a line at the end."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        console.width = PLAIN_COLUMNS
    began = time.monotonic()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), TextColumn("{task.fields[now]}"))
    try:
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task(title, total=None, now="")
            yield lambda now: progress.update(task, now=now)
    except BaseException:
        console.print(f"[red]failed[/] {title} ({time.monotonic() - began:.1f} s)")
        raise
    console.print(f"[green]done[/] {title} ({time.monotonic() - began:.1f} s)")
