"""A tier's life as a process: start its parts in order, serve until a signal, drain and stop them in reverse.

A composition root builds the parts inside the running loop and hands them over; the broker is one, the metrics'
endpoint another.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

import uvloop

from broker.observe.logs import log_to_stderr

SIGNALS = (signal.SIGTERM, signal.SIGINT)
YOUNG_OBJECTS_MAX = 50_000
"""Allocated before the collector looks for cycles. After Python's 700 it would look dozens of times a second at a busy
node, which makes hardly any cycles, and take a tenth of its time."""

logger = logging.getLogger(__name__)


class Part(Protocol):
    async def start(self) -> None: ...

    async def drain(self) -> None:
        """Take no new work, finish what was begun."""
        ...

    async def stop(self) -> None: ...


Fail: TypeAlias = Callable[[Exception], None]
"""A part that cannot go on says so with this; the process then drains, stops and exits with 1."""
Build: TypeAlias = Callable[[Fail], Sequence[Part]]


def run(build: Build, *, log_level: str, node: str, region: str = "") -> int:
    """The process' exit status."""
    log_to_stderr(log_level, node, region)
    return uvloop.run(serve(build, ready=collect_less))


def collect_less() -> None:
    """What has been made by now stays to the end: it need not be looked through again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS_MAX)


async def serve(build: Build, ready: Callable[[], None] = lambda: None) -> int:
    """`ready` is called once every part has started."""
    ending: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    _end_on_signals(ending)
    parts = build(lambda error: _fail(ending, error))
    started: list[Part] = []
    try:
        await _start_unless_ending(parts, started, ending)
        ready()
        await ending
    except Exception:
        logger.exception("giving up")
        return 1
    finally:
        await _wind_down(started)
    return 0


async def _start_unless_ending(parts: Sequence[Part], started: list[Part], ending: asyncio.Future[None]) -> None:
    for part in parts:
        start = asyncio.ensure_future(part.start())
        await asyncio.wait({start, ending}, return_when=asyncio.FIRST_COMPLETED)
        if not start.done():
            start.cancel()
            await asyncio.gather(start, return_exceptions=True)
            return
        start.result()
        started.append(part)
    logger.info("ready")


async def _wind_down(started: Sequence[Part]) -> None:
    logger.info("draining")
    for part in reversed(started):
        await part.drain()
    for part in reversed(started):
        await part.stop()
    logger.info("stopped")


def _end_on_signals(ending: asyncio.Future[None]) -> None:
    def end() -> None:
        if not ending.done():
            ending.set_result(None)

    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, end)


def _fail(ending: asyncio.Future[None], error: Exception) -> None:
    if not ending.done():
        ending.set_exception(error)
