"""`python -m bench [NAME]`: one benchmark, or all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench import discovery, discovery_table, http, mesh, running_region
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
        discovery_bench()


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


@app.command("discovery")
def discovery_bench(
    nodes: Annotated[int, typer.Option(min=10, max=2_000)] = discovery.NODES,
    actions: Annotated[int, typer.Option(min=10, max=200, help="Of each node.")] = discovery.ACTIONS,
    write: Annotated[Path | None, typer.Option(help="A document whose table is written anew.")] = None,
) -> None:
    """A simulated mesh of a thousand nodes, by our rules of discovery and by Moleculer's."""
    rows = discovery.run(nodes, actions)
    if write is not None:
        discovery_table.write(write, rows, nodes, actions)
    show(Report("discovery", 1, rows))


if __name__ == "__main__":
    app()
