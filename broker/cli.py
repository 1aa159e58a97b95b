"""`mesh`: look at a running mesh, call what it serves, measure it, and take a node out of it.

Each command joins the mesh as one more node of it and leaves it at the end. What was asked for is on standard output,
and whatever goes wrong on standard error; `commands/joining.py` says how a command ends.
"""

from __future__ import annotations

import typer

from broker.commands.calls import call, emit
from broker.commands.evacuation import evacuate
from broker.commands.listings import actions, nodes, ping, services
from broker.commands.load import bench
from broker.commands.orders import drain, take_back
from broker.commands.top import top
from broker.credentials.guest_command import credentials

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Look at a mesh, call what it serves, measure it.",
    epilog="Ends with 0; with 1 if the mesh said no, and why on standard error; with 2 if it was asked wrongly. "
    "LOCALGROUP_NATS_URLS and LOCALGROUP_NATS_CREDENTIALS say which mesh, if not the one that runs on this machine.",
)
for command in (nodes, services, actions, ping, top, call, emit, bench, drain, evacuate, credentials):
    app.command()(command)
app.command("return")(take_back)


def main() -> None:
    app()
