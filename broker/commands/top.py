"""`mesh top`: the mesh at work, on one screen: nodes, how far apart regions are, the busiest actions, and why the
busiest caller asks the nodes that it asks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from statistics import median
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from broker.commands.choices import Why, parts, why
from broker.commands.joining import run
from broker.commands.listings import console
from broker.commands.samples import Look, Work, by_action, distances, look, total, work
from broker.mesh import Broker

ACTIONS_SHOWN = 10
UNKNOWN = "-"
GONE, FAILING, WELL = "red", "yellow", ""


def top(
    once: Annotated[bool, typer.Option("--once", help="Look once, print, and end.")] = False,
    interval: Annotated[float, typer.Option(help="Seconds between two looks.", min=0.2, max=60)] = 2.0,
) -> None:
    """The mesh at work: rates, times, distances, ejections. Ends with Ctrl-C."""
    run(lambda broker: _once(broker, interval) if once else _again_and_again(broker, interval))


async def _once(broker: Broker, interval_seconds: float) -> None:
    before = await look(broker)
    await asyncio.sleep(interval_seconds)
    now = await look(broker)
    console().print(screen(now, before, interval_seconds, await why(broker, now, before)))


async def _again_and_again(broker: Broker, interval_seconds: float) -> None:
    before = await look(broker)
    with Live(screen(before, before, interval_seconds), console=console(), screen=True, auto_refresh=False) as live:
        while True:
            await asyncio.sleep(interval_seconds)
            now = await look(broker)
            live.update(screen(now, before, interval_seconds, await why(broker, now, before)), refresh=True)
            before = now


def screen(now: Sequence[Look], before: Sequence[Look], seconds: float, found: Why | None = None) -> RenderableType:
    earlier = {each.node: each for each in before}
    works = {each.node: work(each, earlier.get(each.node)) for each in now}
    blocks = [
        _headline(now, works, seconds),
        _nodes(now, works, seconds),
        _matrix(now),
        _actions(by_action(now, earlier), seconds),
        None if found is None else Group(*parts(found)),
    ]
    shown = [part for part in blocks if part is not None]
    return Group(shown[0], *(each for part in shown[1:] for each in ("", part)))


def _headline(looks: Sequence[Look], works: dict[str, Work], seconds: float) -> Text:
    available = sum(each.available for each in looks)
    regions = len({each.region for each in looks if each.available})
    rate = sum(each.count for each in works.values()) / seconds
    time = datetime.now().astimezone().strftime("%H:%M:%S")
    gone = f", {len(looks) - available} gone" if available < len(looks) else ""
    return Text(f"{time}  {available} nodes{gone}  {regions} regions  {rate:,.0f} requests/s", style="bold")


def _nodes(looks: Sequence[Look], works: dict[str, Work], seconds: float) -> Table:
    table = _table("node", "req/s", "err/s", "p50 ms", "p95 ms", "runs", "waits", "calls", "ejects")
    for each in looks:
        done = works[each.node]
        table.add_row(
            each.node,
            *(_figures(each, done, seconds) if each.samples is not None else _no_figures(each)),
            style=_style(each, done),
        )
    return table


def _figures(each: Look, done: Work, seconds: float) -> list[str]:
    return [
        f"{done.count / seconds:,.0f}",
        f"{done.failed / seconds:,.0f}",
        _milliseconds(done.quantile_seconds(0.5)),
        _milliseconds(done.quantile_seconds(0.95)),
        f"{max(0, total(each, 'localgroup_requests_running') - 1):,.0f}",  # one of them is our question
        f"{total(each, 'localgroup_requests_waiting'):,.0f}",
        f"{total(each, 'localgroup_calls_in_flight'):,.0f}",
        f"{total(each, 'localgroup_nodes_ejected'):,.0f}",
    ]


def _no_figures(each: Look) -> list[str]:
    """A foreign node has none, a node that does not answer neither."""
    return ["gone" if not each.available else UNKNOWN, *[UNKNOWN] * 7]


def _style(each: Look, done: Work) -> str:
    if not each.available:
        return GONE
    return FAILING if done.failed or total(each, "localgroup_nodes_ejected") else WELL


def _matrix(looks: Sequence[Look]) -> Table | None:
    """Milliseconds from region to region: the median of what the nodes of the first measured."""
    measured = [(each.region, distances(each)) for each in looks if each.samples]
    regions = sorted({region for region, _ in measured})
    if not regions:
        return None
    table = _table("ms from \\ to", *regions)
    for start in regions:
        cells = []
        for end in regions:
            seconds = [found[end] for region, found in measured if region == start and end in found]
            cells.append(_milliseconds(median(seconds)) if seconds else UNKNOWN)
        table.add_row(start, *cells)
    return table


def _actions(works: dict[str, Work], seconds: float) -> Table | None:
    busiest = sorted(works.items(), key=lambda each: -each[1].count)[:ACTIONS_SHOWN]
    busy = [(name, done) for name, done in busiest if done.count]
    if not busy:
        return None
    table = _table("action", "req/s", "err/s", "p50 ms", "p95 ms")
    for name, done in busy:
        times = [_milliseconds(done.quantile_seconds(share)) for share in (0.5, 0.95)]
        table.add_row(name, f"{done.count / seconds:,.0f}", f"{done.failed / seconds:,.0f}", *times)
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _milliseconds(seconds: float | None) -> str:
    return UNKNOWN if seconds is None else f"{seconds * 1000:,.1f}"
