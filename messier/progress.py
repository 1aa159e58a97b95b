"""What a person sees while a catalogue loads: a bar on a terminal, lines in a log, and a summary at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress

from broker.clock import Clock
from messier.load import Progress, Summary

LINE_EVERY_SECONDS = 2.0


class Bar:
    def __init__(self, bar: RichProgress, task: TaskID) -> None:
        self._bar = bar
        self._task = task

    def advance(self, name: str) -> None:
        self._bar.update(self._task, advance=1, file=name)


class Lines:
    def __init__(self, total: int, write: Callable[[str], None], clock: Clock) -> None:
        self._total = total
        self._write = write
        self._clock = clock
        self._done = 0
        self._written_at_seconds = clock.now()

    def advance(self, name: str) -> None:
        self._done += 1
        if self._done < self._total and self._clock.now() < self._written_at_seconds + LINE_EVERY_SECONDS:
            return
        self._written_at_seconds = self._clock.now()
        self._write(f"loading: {self._done}/{self._total} files, {name}")


@contextmanager
def shown_progress(total: int, console: Console, clock: Clock) -> Iterator[Progress]:
    if not console.is_terminal:
        yield Lines(total, lambda line: console.print(line, markup=False, highlight=False, soft_wrap=True), clock)
        return
    columns = (
        TextColumn("loading"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[file]}", markup=False),
    )
    with RichProgress(*columns, console=console) as bar:
        yield Bar(bar, bar.add_task("loading", total=total, file=""))


def summary_lines(summary: Summary, seconds: float) -> Iterator[str]:
    """Counts first, then each file that did not get in, with the reason."""
    yield (
        f"{len(summary.loaded)} documents loaded, {len(summary.unchanged)} unchanged, "
        f"{len(summary.malformed)} malformed, {len(summary.failed)} failed, "
        f"{len(summary.ignored)} other files, {seconds:.1f} s"
    )
    yield from _listed("malformed", ((each.name, each.reason) for each in summary.malformed))
    yield from _listed("failed", ((each.name, each.reason) for each in summary.failed))
    yield from _listed("ignored", ((each.name, each.reason) for each in summary.ignored))


def _listed(kind: str, files: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, reason in sorted(files):
        yield f"  {kind}  {name}: {reason}"
