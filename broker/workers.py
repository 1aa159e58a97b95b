"""Several processes for one tier on one machine, since one process of Python works on one core.

Each is a node of its own, `<tier>-<region>-1`, `-2` and so on, so the mesh spreads calls over them as over any nodes.
They live and end together: told to end, all of them drain; if one ends by itself, the others do too, and whoever
supervises this process starts them again.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
from collections.abc import Callable
from typing import Annotated, Any, Self, TypeAlias

from pydantic import Field

from broker.process import SIGNALS
from broker.settings import Address, TierSettings

WORKERS_MAX = 64
METRICS_PORT_STEP = 10
"""Each further worker's metrics are served this many ports above the one before: the next ports are other tiers'."""
PARENT_DEATH = 1
"""`PR_SET_PDEATHSIG` of Linux."""

FAILED = 1
ENDED = (0, -signal.SIGTERM)
"""As told, at leisure or before it was ready to listen."""

Work: TypeAlias = Callable[[int], int]
"""Runs as the worker of this number, from 1, until it is told to end; its exit status."""

logger = logging.getLogger(__name__)


class WorkerSettings(TierSettings):
    """Of a tier that may have several processes."""

    workers: Annotated[int, Field(ge=1, le=WORKERS_MAX)] = 1

    def of_worker(self, number: int) -> Self:
        """What the worker of this number reads; the first one has the tier's own name and addresses."""
        if number == 1:
            return self
        first = self.broker_config().node
        changes: dict[str, Any] = {"node": f"{first.removesuffix('-1')}-{number}"}
        if self.metrics_address is not None:
            host, port = self.metrics_address
            changes["metrics_address"] = Address(host, port + METRICS_PORT_STEP * (number - 1))
        return self.model_copy(update=changes)


def run_workers(count: int, work: Work) -> int:
    """The exit status of all of them. One worker needs no process beside this one."""
    return work(1) if count == 1 else _Workers(count, work).run()


class _Workers:
    def __init__(self, count: int, work: Work) -> None:
        self._work = work
        self._count = count
        self._running: set[int] = set()
        self._ending = False

    def run(self) -> int:
        for each in SIGNALS:
            signal.signal(each, self._end)
        for number in range(1, self._count + 1):
            self._begin(number)
        status = 0
        while self._running:
            status = max(status, self._wait_for_one())
        return status

    def _begin(self, number: int) -> None:
        """No signal comes between a worker's birth and its being known, in either process."""
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        if not self._ending:
            self._running.add(_forked(self._work, number))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    def _wait_for_one(self) -> int:
        process, waited = os.wait()
        if process not in self._running:
            return 0
        self._running.discard(process)
        code = os.waitstatus_to_exitcode(waited)
        if self._ending:
            return FAILED if code not in ENDED else 0
        logger.error("a worker ended by itself, with status %d: the others end too", code)
        self._end()
        return FAILED

    def _end(self, *_: object) -> None:
        self._ending = True
        for process in self._running:
            os.kill(process, signal.SIGTERM)


def _forked(work: Work, number: int) -> int:
    parent = os.getpid()
    process = os.fork()
    if process:
        return process
    status = FAILED
    try:
        for each in SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        _end_with(parent)
        status = work(number)
    except Exception:
        logger.exception("worker %d failed", number)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _end_with(parent: int) -> None:
    """A parent that is killed cannot tell its workers; Linux does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PARENT_DEATH, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)
