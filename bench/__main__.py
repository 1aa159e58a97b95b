"""`python -m bench [NAME]`: one benchmark, or all of them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from bench import (
    discovery,
    discovery_table,
    http,
    mesh,
    migrate,
    running_region,
    strategy,
    strategy_cost,
    strategy_lab,
    strategy_lab_table,
    strategy_table,
    whirlpool,
    whirlpool_apart,
)
from bench.report import Report, show
from lab.wan import namespaces

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
        whirlpool_bench(rounds)
        strategy_bench(rounds)


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


@app.command("migrate")
def migrate_bench(
    dump: Annotated[Path, typer.Option(envvar="DUMP", exists=True, help="A dump with this project's `tracking`.")],
    rounds: Rounds = ROUNDS_MIN,
) -> None:
    """Documents into the tables of a cluster of three, against LOAD DATA of converted rows, and rethinkport."""
    report = migrate.run(dump, rounds)
    show(report, migrate.goals(report.rows))


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


@app.command("whirlpool")
def whirlpool_bench(rounds: Rounds = ROUNDS_MIN, seconds: Seconds = 2.0) -> None:
    """Reads and writes of single rows on a cluster of three, against SQLAlchemy on the same member; and writes where
    the members are apart."""
    rows = whirlpool.run(rounds, seconds)
    why = namespaces.why_not()
    apart = [] if why else whirlpool_apart.run()
    show(Report("whirlpool", rounds, [*rows, *apart], {whirlpool_apart.CASE: why} if why else {}))


@app.command("strategy")
def strategy_bench(
    rounds: Rounds = ROUNDS_MIN,
    write: Annotated[Path | None, typer.Option(help="A document whose table and plots are made anew.")] = None,
) -> None:
    """Every strategy and an oracle through the same scenarios; each round has its own luck."""
    rows = [*strategy_cost.run(), *strategy.run(rounds)]
    if write is not None:
        strategy_table.write(write, rows, rounds)
        from bench import strategy_plots  # only here: it loads matplotlib

        strategy_plots.draw(write.with_suffix(""))
    show(Report("strategy", rounds, rows), *strategy_table.conclusions(rows), table=strategy_table.for_people(rows))


@app.command("strategy-lab")
def strategy_lab_bench(
    rounds: Rounds = strategy_lab.ROUNDS,
    baselines: Annotated[bool, typer.Option(help="Other strategies as well, which takes twice as long.")] = True,
    write: Annotated[Path | None, typer.Option(help="A document whose table is made anew.")] = None,
) -> None:
    """The scoreboard's first rows with real processes in regions that are apart. Needs root."""
    if why := namespaces.why_not():
        sys.exit(why)
    report = strategy_lab.run(rounds, baselines=strategy_lab.BASELINES if baselines else ())
    if write is not None:
        strategy_lab_table.write(write, report)
    show(report, *strategy_lab_table.conclusions(report), table=strategy_lab_table.for_people(report))


if __name__ == "__main__":
    app()
