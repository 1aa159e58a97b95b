"""What a watcher does with what it was told: decisions go on to the other watchers, distances to its name server."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from random import Random

import orjson

from andromeda.dns.decisions import Decisions
from andromeda.dns.nearest import Nearest
from andromeda.dns.powerdns import replace
from broker import Broker
from broker.clock import Clock
from broker.periodic import Rhythm
from schema.names import DECISIONS

NEAREST, KEPT = "nearest.lua", "nearest.json"
TELL_SECONDS = 5.0
WRITE_SECONDS = 10.0
"""As often as gateways tell."""


class NearestFile:
    """The measured distances in the folder of the name server."""

    def __init__(self, nearest: Nearest, folder: Path, clock: Clock) -> None:
        """What was known before the process began is known again."""
        self._nearest = nearest
        self._folder = folder
        self._clock = clock
        self._written = ""
        self.version = ""
        """Changes with the file, and is written beside who can be named, so that a name server reads it once."""
        with contextlib.suppress(
            OSError, ValueError, TypeError, AttributeError, LookupError
        ):  # else it is measured again
            self._nearest.load(orjson.loads((folder / KEPT).read_bytes()))
        self._write()

    async def write(self) -> None:
        self._write()

    def _write(self) -> None:
        milliseconds = self._clock.epoch_milliseconds()
        text = self._nearest.lua(milliseconds / 1_000)
        replace(self._folder / KEPT, json.dumps(self._nearest.dump()))
        if text != self._written:
            replace(self._folder / NEAREST, text)
            self._written, self.version = text, str(milliseconds)

    def writing(self, random: Random) -> Rhythm:
        return Rhythm(self._clock, WRITE_SECONDS, random, self.write)


def telling(broker: Broker, decisions: Decisions, clock: Clock, random: Random) -> Rhythm:
    async def tell() -> None:
        told = decisions.told()
        if told.decisions:
            await broker.broadcast(DECISIONS, told)

    return Rhythm(clock, TELL_SECONDS, random, tell)
