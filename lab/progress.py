"""What a person sees while waiting: one line a step, with a turning wheel and the time it takes so far."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

PLAIN_COLUMNS = 120
"""Of an output that is not a terminal."""

console = Console(highlight=False, width=None if sys.stdout.isatty() else PLAIN_COLUMNS)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Shows the title while the body runs, and how long it took; on other outputs than a terminal, as plain lines."""
    began = time.monotonic()
    try:
        with turning(title):
            yield
    except BaseException:
        console.print(f"  [red]failed[/] {title} ({time.monotonic() - began:.1f} s)")
        raise
    console.print(f"  [green]done[/] {title} ({time.monotonic() - began:.1f} s)")


@contextmanager
def turning(title: str) -> Iterator[None]:
    if not console.is_terminal:
        console.print(f"  ...  {title}")
        yield
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        progress.add_task(title, total=None)
        yield
