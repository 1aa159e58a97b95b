"""`python -m bench [NAME]`: one benchmark, or all of them."""

from __future__ import annotations

from typing import Annotated

import typer

from bench import http, mesh, running_region
from bench.report import Report, show

app = typer.Typer(help="Benchmarks. Without a name: all of them.", invoke_without_command=True)

ROUNDS_MIN = 5
"""Fewer have no median worth the name."""

Rounds = Annotated[int, typer.Option(envvar="ROUNDS", min=1, help="Rounds; contenders take turns in each.")]
Seconds = Annotated[float, typer.Option(min=0.1, help="How long each contender is loaded in a round.")]
Url = Annotated[str, typer.Option(help="A running region, for what goes through all tiers.")]
Nats = Annotated[str, typer.Option(help="The hub of that region.")]


@app.callback()
def every(context: typer.Context, rounds: Rounds = ROUNDS_MIN) -> None:
    """Every benchmark, one after the other."""
    if context.invoked_subcommand is None:
        http_bench(rounds)
        mesh_bench(rounds)


@app.command("http")
def http_bench(
    rounds: Rounds = ROUNDS_MIN,
    seconds: Seconds = 1.0,
    url: Url = running_region.URL,
    nats: Nats = running_region.NATS_URL,
) -> None:
    """Answers from the edge cache, against a bare Starlette route; and through all tiers of a running region."""
    rows = http.run(rounds, seconds)
    show(Report("http", rounds, [*rows, *running_region.run(url, nats)]))


@app.command("mesh")
def mesh_bench(rounds: Rounds = ROUNDS_MIN, seconds: Seconds = 1.0) -> None:
    """Calls through one nats-server, against what else there is for NATS."""
    report = mesh.run(rounds, seconds)
    show(report, mesh.goals(report.rows))


if __name__ == "__main__":
    app()
