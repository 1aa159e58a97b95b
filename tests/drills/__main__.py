"""`python -m tests.drills`: what `make drill` runs. Prints one JSON object, and leaves a folder with all of it."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated

import orjson
import typer
import uvloop

from lab.packages import why_embedded_now
from tests.drills.drill import CLIENTS, FAULTS_PER_MINUTE, Extent, drill
from tests.drills.picture import draw
from tests.drills.regions import regions_for_a_drill, why_not_apart
from tests.drills.reports import begun, kept
from tests.drills.verdict import write_report

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    seed: Annotated[int | None, typer.Option(help="Of the faults and of what clients do.")] = None,
    minutes: Annotated[float, typer.Option(help="How long faults go on.")] = 1.0,
    clients: Annotated[int, typer.Option(min=1, help="Of each of the five workloads in each region.")] = CLIENTS,
    faults_per_minute: Annotated[float, typer.Option(min=0.01, help="At most: each is healed before the next.")] = (
        FAULTS_PER_MINUTE
    ),
    folder: Annotated[Path, typer.Option(help="Where reports are kept.")] = Path("drills"),
) -> None:
    """Clients in three real regions write while members, stores and regions are killed; then everything is counted."""
    if why := why_embedded_now():
        sys.exit(f"a drill needs real databases: {why}")
    logging.basicConfig(level=logging.ERROR)
    chosen, report = begun(folder, seed)
    if why := why_not_apart():
        print(f"regions without distance, and no link is cut: {why}", file=sys.stderr)
    extent = Extent(chosen, minutes * 60, clients, faults_per_minute)
    with regions_for_a_drill() as running, kept(running.laboratory.logs, report):
        verdict = uvloop.run(drill(running, extent, report / "journal.jsonl"))
    write_report(report / "report.json", verdict)
    draw(report / "drill.svg", f"seed {chosen}", verdict.begun, verdict.samples, verdict.faults)
    print(orjson.dumps(verdict.line()).decode())
    raise typer.Exit(0 if verdict.line()["met"] else 1)


if __name__ == "__main__":
    app()
