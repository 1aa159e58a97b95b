"""`migrate`: documents into tables, and versions of the SQL schema, from the command line."""

from __future__ import annotations

import logging
from typing import Annotated

import typer
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from migrations import schema
from migrations.nosql import commands

DatabaseUrl = Annotated[
    str,
    typer.Option("--to", envvar="LOCALGROUP_DATABASE_URL", help="The database, as whirlpool's own variable names it."),
]

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Move data and schemas into Local Group's database.")
schema_app = typer.Typer(no_args_is_help=True, help="Versions of the SQL schema.")
app.add_typer(schema_app, name="schema")
app.command("inspect")(commands.inspect)
app.command("plan")(commands.plan)
app.command("load")(commands.load)
app.command("verify")(commands.check)
app.command("follow")(commands.follow)


@schema_app.command()
def upgrade(to: DatabaseUrl, revision: Annotated[str, typer.Argument()] = "head") -> None:
    """Bring the schema up to a version; harmless when it is there already, or when several do it at once."""
    typer.echo(f"schema at {schema.upgrade(to, revision)}")


@schema_app.command()
def downgrade(to: DatabaseUrl, revision: Annotated[str, typer.Argument(help="A version, or base for none.")]) -> None:
    """Take the schema back to an older version. What only newer versions can keep is lost."""
    typer.echo(f"schema at {schema.downgrade(to, revision)}")


@schema_app.command()
def current(to: DatabaseUrl) -> None:
    """Say which version the database has, and which one this program brings."""
    typer.echo(f"schema at {schema.current(to)}, newest is {schema.newest()}")


@schema_app.command()
def history() -> None:
    """List the versions that this program brings, the newest first."""
    for revision, purpose in schema.history():
        typer.echo(f"{revision}  {purpose}")


@schema_app.command()
def check(to: DatabaseUrl) -> None:
    """Compare the database's tables with those that the programs expect. Ends with 1 if they differ."""
    found = schema.differences(to)
    for difference in found:
        typer.echo(difference)
    typer.echo(f"{len(found)} differences")
    raise typer.Exit(1 if found else 0)


def main() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        app(standalone_mode=True)
    except (ValueError, OSError, RuntimeError, CommandError, DBAPIError) as error:
        raise SystemExit(f"migrate: {error}") from error
