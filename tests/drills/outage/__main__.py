"""`python -m tests.drills.outage`: what `make drill-outage` runs. One row and one JSON line a drill, and a report."""

from __future__ import annotations

import logging
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Table

from lab import name_servers, resolver
from lab.packages import why_embedded_now
from lab.wan import namespaces
from tests.drills.outage.drill import drill
from tests.drills.outage.outages import LOSING, OUTAGES, Outage
from tests.drills.outage.report import write_report
from tests.drills.outage.scene import Scene, scene
from tests.drills.outage.verdict import Verdict, table
from tests.drills.reports import begun, kept

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

WIDE_COLUMNS = 600


@app.command()
def main(
    seed: Annotated[int | None, typer.Option(help="Of what users do.")] = None,
    only: Annotated[str, typer.Option(help="Some of them, by name, with commas.")] = "",
    minutes: Annotated[float, typer.Option(help="How long packets are lost.")] = 10.0,
    share: Annotated[float, typer.Option(help="Of 200 reads and 20 writes a second.")] = 1.0,
    folder: Annotated[Path, typer.Option(help="Where reports are kept.")] = Path("drills"),
) -> None:
    """Users come by name to three regions that are apart, while one after another goes dark. Needs root."""
    if why := why_not():
        sys.exit(f"outages cannot be drilled here: {why}")
    logging.basicConfig(level=logging.ERROR)
    chosen = [replace(each, hold_seconds=minutes * 60) if each.name == LOSING else each for each in named(only)]
    number, report = begun(folder, seed, "outage-")
    with scene(number, report, share) as running, kept(running.trial.laboratory.logs, report):
        verdicts = list(drilled(running, chosen, number, report))
    show(table(verdicts))
    print(f"report: {report / 'report.html'}", file=sys.stderr)
    for verdict in verdicts:
        print(orjson.dumps(verdict.line()).decode())
    raise typer.Exit(0 if all(not verdict.missed for verdict in verdicts) else 1)


def why_not() -> str | None:
    if not name_servers.installed() or shutil.which(resolver.SERVER) is None:
        return "pdns-server, pdns-backend-bind and unbound are not all installed: `make up` installs them as root"
    return namespaces.why_not() or why_embedded_now()


def named(only: str) -> Sequence[Outage]:
    wanted = [name.strip() for name in only.split(",") if name.strip()]
    known = {each.name: each for each in OUTAGES}
    if unknown := [name for name in wanted if name not in known]:
        sys.exit(f"no drill is called {', '.join(unknown)}; there are {', '.join(known)}")
    return [known[name] for name in wanted] or OUTAGES


def drilled(running: Scene, chosen: Sequence[Outage], seed: int, report: Path) -> Iterator[Verdict]:
    """The report is there after each of them."""
    verdicts: list[Verdict] = []
    for outage in chosen:
        verdict = Verdict(outage, seed, drill(running, outage))
        verdicts.append(verdict)
        write_report(report, seed, verdicts)
        yield verdict


def show(rows: Table) -> None:
    """In a file, a row takes one line."""
    console = Console()
    if not console.is_terminal:
        console.width = console.measure(rows, options=console.options.update(width=WIDE_COLUMNS)).maximum
    console.print(rows)


if __name__ == "__main__":
    app()
