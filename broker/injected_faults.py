"""ServiceFaults on demand, for laboratories only: a node does wrong what a file tells it to, for as long as it says so.

    {"work_milliseconds": 40, "concurrency": 4}     slow, and few at a time
    {"fail": "internal"}                            quick to fail
    {"black_hole": true}                            requests are taken and never answered in time

A file rather than a message, since it is told to nodes that are cut off as well. Nothing of this exists in a node whose
environment does not name such a file (`LOCALGROUP_INJECTED_FAULTS`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from broker.clock import Clock, sleep
from broker.context import Context
from broker.middleware import Middleware
from broker.policies.bulkhead import Admission
from broker.service import ActionHandler
from schema.action import Action
from schema.errors import ERRORS

WORK_MILLISECONDS_MAX = 600_000
CONCURRENCY_MAX = 10_000
WAITING_MAX = 1_000_000
"""The node's own bulkhead refuses long before."""
OWN_ACTIONS = "$node."
"""Questions about the node itself, which whoever watches it asks."""

logger = logging.getLogger(__name__)


def _known(code: str) -> str:
    if code not in ERRORS:
        raise ValueError(f"one of {', '.join(sorted(ERRORS))}")
    return code


class ServiceFaults(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    work_milliseconds: Annotated[float, Field(ge=0, le=WORK_MILLISECONDS_MAX)] = 0.0
    """That every request takes longer."""
    concurrency: Annotated[int, Field(ge=1, le=CONCURRENCY_MAX)] | None = None
    """Requests that are worked on at once; the others wait."""
    fail: Annotated[str, AfterValidator(_known)] | None = None
    """The code of the error that answers everything, at once."""
    black_hole: bool = False


NONE = ServiceFaults()


class FaultsFile:
    """Read anew when it has changed. One that is not there, or is not understood, asks for nothing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._faults = NONE

    def current(self) -> ServiceFaults:
        found = self._version()
        if found != self._seen:
            self._seen = found
            self._faults = self._read()
            logger.warning("faults are injected here: %s", self._faults)
        return self._faults

    def _version(self) -> tuple[int, int] | None:
        """A new one is a file of its own, since two may be written within one tick of the file system's clock."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns

    def _read(self) -> ServiceFaults:
        try:
            return ServiceFaults.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return NONE
        except ValidationError:
            logger.exception("%s is not understood", self._path)
            return NONE


class InjectedFaults(Middleware):
    def __init__(self, current: Callable[[], ServiceFaults], clock: Clock) -> None:
        self._current = current
        self._clock = clock
        self._admission: tuple[int, Admission] | None = None

    def action(self, contract: Action[Any, Any], handle: ActionHandler) -> ActionHandler:
        if contract.name.startswith(OWN_ACTIONS):
            return handle

        async def faulty(context: Context, request: Any) -> Any:
            faults = self._current()
            if faults is NONE:
                return await handle(context, request)
            if faults.black_hole:
                await asyncio.get_running_loop().create_future()  # until the deadline stops it
            if faults.fail is not None:
                raise ERRORS[faults.fail]("a fault was injected here")
            async with self._turn(faults.concurrency):
                if faults.work_milliseconds:
                    await sleep(self._clock, faults.work_milliseconds / 1000)
                return await handle(context, request)

        return faulty

    def _turn(self, concurrency: int | None) -> AbstractAsyncContextManager[None]:
        """Of all actions together. A new limit counts its own only: what runs under the old one finishes beside."""
        if concurrency is None:
            return nullcontext()
        if self._admission is None or self._admission[0] != concurrency:
            self._admission = concurrency, Admission(concurrency, WAITING_MAX)
        return self._admission[1]
