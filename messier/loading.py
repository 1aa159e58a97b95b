"""One load from start to end: joins the mesh, shows how it goes, says how it went."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import SystemRandom
from secrets import token_hex

from rich.console import Console

from broker import Broker, BrokerConfig
from broker.clock import SystemClock
from broker.nats.client import NatsClient
from messier.archive import count_files
from messier.catalogue import read_catalogue
from messier.config import MessierSettings
from messier.load import Loader, Summary
from messier.progress import shown_progress, summary_lines
from schema.courses import READ_VERSIONS
from schema.errors import TimedOut

CONNECT_SECONDS = 30.0
"""A mesh that is being started meanwhile is there by then."""

OK, FAILED, SOME_MALFORMED = 0, 1, 2


async def load(path: Path, settings: MessierSettings, console: Console) -> int:
    """The process' exit status. Raises `Unreadable`, and `MeshError` where the store cannot be reached."""
    total = count_files(path)
    started_at_seconds = time.monotonic()
    async with _joined(settings) as broker:
        summary = await load_through(broker, path, total, console)
    for line in summary_lines(summary, time.monotonic() - started_at_seconds):
        print(line)
    return exit_status(summary)


async def load_through(broker: Broker, path: Path, total: int, console: Console) -> Summary:
    clock = SystemClock()
    with shown_progress(total, console, clock) as progress:
        return await Loader(broker, progress, clock=clock, random=SystemRandom()).load(read_catalogue(path))


def exit_status(summary: Summary) -> int:
    if summary.failed:
        return FAILED
    return SOME_MALFORMED if summary.malformed else OK


@asynccontextmanager
async def _joined(settings: MessierSettings) -> AsyncIterator[Broker]:
    """A node that serves nothing, under a name of its own: a messier of the same region may be running."""
    node = settings.node or f"loader.{settings.region}.{token_hex(4)}"
    config = BrokerConfig(region=settings.region, node=node, namespace=settings.namespace)
    broker = Broker(config, NatsClient(settings.nats_settings()))
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await broker.start()
    except TimeoutError:
        raise TimedOut(f"no connection to the mesh at {', '.join(settings.nats_urls)}") from None
    try:
        await broker.wait_for(READ_VERSIONS.service, deadline_seconds=CONNECT_SECONDS)
        yield broker
    finally:
        await broker.stop()
