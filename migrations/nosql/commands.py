"""`migrate inspect|plan|load|verify`: what is said on the terminal, and how a command ends.

A command that leaves documents in quarantine ends with 3, one that finds differences with 4: a script must notice.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from io import StringIO
from pathlib import Path
from threading import Thread
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from sqlalchemy.dialects import mysql

from migrations.nosql import known_plans, profile_html, profile_terminal
from migrations.nosql import progress as records
from migrations.nosql.cells import Misfit
from migrations.nosql.conversion import Converter
from migrations.nosql.following import Following
from migrations.nosql.load import Told
from migrations.nosql.plan import Plan
from migrations.nosql.plan_file import read, write
from migrations.nosql.profile import TableProfile, as_json, profile
from migrations.nosql.proposal import propose
from migrations.nosql.run import PARALLEL, Job
from migrations.nosql.sources.live import Live
from migrations.nosql.sources.opening import LIVE, open_source
from migrations.nosql.sources.source import Source
from migrations.nosql.tables import PlannedTables
from migrations.nosql.target import open_engine, reached
from migrations.nosql.verify import Verdict, verify

QUARANTINED = 3
DIFFERENT = 4
WIDTH = 160
SHOWN_EVERY_SECONDS = 0.2
REASONS = 20
"""Shown; the quarantine table has all."""

SourceWord = Annotated[str, typer.Argument(metavar="SOURCE", help="A dump's .tar.gz, a folder, or rethinkdb://…")]
PlanPath = Annotated[Path | None, typer.Option("--plan", help="The mapping; known sources have one.", dir_okay=False)]
Target = Annotated[str, typer.Option("--to", envvar="LOCALGROUP_DATABASE_URL", help="The database.")]

console = Console(stderr=True)


def plan_of(source: Source, path: Path | None) -> Plan:
    if path is not None:
        return read(path.read_text(encoding="utf-8"))
    found = known_plans.find(table.name for table in source.tables())
    if found is None:
        raise ValueError("no plan comes with the project for this source: make one with `migrate plan`, and name it")
    return found[1]


class Form(StrEnum):
    TEXT = "text"
    HTML = "html"
    JSON = "json"


def inspect(
    source: SourceWord,
    form: Annotated[Form, typer.Option("--format", help="For people, for a browser, for programs.")] = Form.TEXT,
    output: Annotated[Path | None, typer.Option("--output", help="A file, in place of the terminal.")] = None,
) -> None:
    """Show what is really in a source: every path, its kinds of values, and what is odd about them."""
    opened = open_source(source)
    profiles = profile(opened)
    if form is Form.TEXT and output is None:
        profile_terminal.show(Console(), profiles)
        return
    _put(_report(form, opened.name, profiles), output)


def plan(
    source: SourceWord,
    path: PlanPath = None,
    to: Annotated[
        str | None, typer.Option("--to", help="The database whose SQL is shown; else MySQL's family.")
    ] = None,
) -> None:
    """Propose a plan as a file to be edited; or, for an existing one, show the SQL that it will run."""
    opened = open_source(source)
    if path is not None and path.exists():
        typer.echo(show_sql(read(path.read_text(encoding="utf-8")), to))
        return
    known = known_plans.find(table.name for table in opened.tables())
    if known is None:
        proposal = propose(profile(opened))
        known = write(proposal.plan, proposal.notes), proposal.plan
    text, meant = known
    sql = "".join(f"# {line}".rstrip() + "\n" for line in show_sql(meant, to).splitlines())
    _put(f"{text}\n# The SQL that it will run:\n{sql}", path)


def load(
    source: SourceWord,
    to: Target,
    plan: PlanPath = None,
    limit: Annotated[int | None, typer.Option(min=0, help="Of each table, no more documents than these.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Convert everything, and write nothing.")] = False,
    parallel: Annotated[int, typer.Option(min=1, max=16, help="Tables at a time.")] = PARALLEL,
) -> None:
    """Load documents into tables; start it again after whatever ended it. Ends with 3 if some are in quarantine."""
    opened = open_source(source)
    meant = plan_of(opened, plan)
    if dry_run:
        raise typer.Exit(QUARANTINED if _rehearse(opened, meant, limit) else 0)
    with reached(to) as engine:
        job = Job.of(opened, meant, engine)
        began = time.monotonic()
        with _shown(job) as told:
            states = job.load(told, limit=limit, parallel=parallel)
        _summarise(job, states, time.monotonic() - began)
    raise typer.Exit(QUARANTINED if any(state.quarantined for state in states) else 0)


def check(
    source: SourceWord,
    to: Target,
    plan: PlanPath = None,
    full: Annotated[bool, typer.Option("--full", help="Read the source again for its checksums.")] = False,
) -> None:
    """Compare source and target, every table and column. Ends with 4 if they differ."""
    opened = open_source(source)
    with reached(to) as engine:
        verdicts = verify(Job.of(opened, plan_of(opened, plan), engine), full=full)
    for verdict in verdicts:
        _say(verdict)
    raise typer.Exit(0 if all(verdict.same for verdict in verdicts) else DIFFERENT)


def _report(form: Form, name: str, profiles: list[TableProfile]) -> str:
    if form is Form.HTML:
        return profile_html.page(name, profiles)
    if form is Form.JSON:
        return json.dumps(as_json(profiles), ensure_ascii=True) + "\n"
    plain = Console(file=StringIO(), width=WIDTH)
    profile_terminal.show(plain, profiles)
    return str(plain.file.getvalue())  # type: ignore[attr-defined]


def _put(text: str, path: Path | None) -> None:
    if path is None:
        typer.echo(text, nl=False)
    else:
        path.write_text(text, encoding="utf-8")
        typer.echo(f"written to {path}", err=True)


def follow(
    source: SourceWord,
    to: Target,
    plan: PlanPath = None,
    until_lag: Annotated[str | None, typer.Option("--until-lag", help="End once no change waits longer: 1s.")] = None,
) -> None:
    """Copy a running RethinkDB, then apply what changes there, until you cut over."""
    if not source.startswith(LIVE):
        raise ValueError(f"only a running RethinkDB can be followed: {LIVE}[user:password@]address[:port]/database")
    live, bound = Live(source), None if until_lag is None else float(until_lag.removesuffix("s"))
    with reached(to) as engine, console.status("") as status:
        following = Following(Job.of(live, plan_of(live, plan), engine), live)
        thread = Thread(target=following.run, name="following")
        thread.start()
        try:
            while thread.is_alive() and following.failure() is None and not _within(following, bound):
                state = "following" if following.is_within(math.inf) else "copying"
                status.update(f"{state}, {following.applied():,} changes applied, lag {following.lag_seconds():.1f} s")
                thread.join(SHOWN_EVERY_SECONDS)
        finally:
            following.stop()
            thread.join()
    if (failure := following.failure()) is not None:
        raise failure
    typer.echo(f"{following.applied():,} changes applied, lag {following.lag_seconds():.1f} s")


def _within(following: Following, bound: float | None) -> bool:
    return bound is not None and following.is_within(bound)


def show_sql(plan: Plan, to: str | None) -> str:
    dialect = mysql.dialect() if to is None else open_engine(to).dialect
    return PlannedTables(plan).sql(dialect)


def _rehearse(source: Source, plan: Plan, limit: int | None) -> int:
    """How many documents would go to quarantine."""
    refused = 0
    for table in plan.tables:
        converter, reasons, number = Converter(table), dict[str, int](), 0
        for number, entry in enumerate(source.read(table.source), 1):
            if limit is not None and number > limit:
                break
            try:
                converter.convert(entry.document)
            except Misfit as misfit:
                reasons[str(misfit)] = reasons.get(str(misfit), 0) + 1
        refused += sum(reasons.values())
        typer.echo(f"{table.source}: {sum(reasons.values()):,} documents would go to quarantine")
        for why, times in sorted(reasons.items(), key=lambda each: -each[1])[:REASONS]:
            typer.echo(f"  {times:,} x {why}")
    return refused


@contextmanager
def _shown(job: Job) -> Iterator[Told]:
    columns = (
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,.0f} of {task.total:,.0f}"),
        TextColumn("{task.fields[rate]}"), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
    )  # fmt: skip
    tables = job.described()
    with Progress(*columns, console=console, speed_estimate_period=30) as bars:
        tasks: dict[str, TaskID] = {
            plan.source: bars.add_task(plan.source, total=tables[plan.source].documents, rate="")
            for plan in job.plan.tables
        }

        def told(state: records.Progress) -> None:
            task = bars.tasks[tasks[state.table]]
            rate = f"{task.speed:,.0f}/s" if task.speed else ""
            bars.update(task.id, completed=state.loaded + state.quarantined, rate=rate)

        yield told


def _summarise(job: Job, states: list[records.Progress], seconds: float) -> None:
    for state in states:
        typer.echo(f"{state.table}: {state.loaded:,} loaded, {state.quarantined:,} in quarantine")
        for note, times in state.coerced.most_common():
            typer.echo(f"  {times:,} x {note}")
        with job.engine.connect() as connection:
            for why, times in records.reasons(connection, state.id, REASONS) if state.quarantined else ():
                typer.echo(f"  {times:,} in quarantine: {why}")
    typer.echo(f"{sum(state.loaded for state in states) / max(seconds, 0.001):,.0f} documents/s, {seconds:.1f} s")


def _say(verdict: Verdict) -> None:
    same = "the same" if verdict.same else "different"
    typer.echo(
        f"{verdict.table}: {same}, {verdict.source_rows:,} rows in the source, {verdict.target_rows:,} in the target"
    )
    if verdict.columns:
        typer.echo(f"  checksums differ: {', '.join(verdict.columns)}")
    for each in verdict.differences:
        typer.echo(f"  {', '.join(map(str, each.key))}: {each.where or 'differs in ' + ', '.join(each.columns)}")
