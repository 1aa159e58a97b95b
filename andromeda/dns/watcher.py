"""What keeps a name server's knowledge fresh: looks at every region, and writes down who can be named.

Each address is probed in a rhythm of its own. What changed is written at once, and all of it every second, since the
name server takes silence for a watcher that is gone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from random import Random

from andromeda.dns import choice, lua
from andromeda.dns.choice import Named
from andromeda.dns.declaration import Declaration, HealthRules, IPAddress
from andromeda.dns.powerdns import replace
from andromeda.dns.probing import Finding, Probe
from andromeda.health import Health
from broker.clock import Clock
from broker.periodic import every

HEALTH = "health.lua"
WRITE_SECONDS = 1.0
AGAIN_SECONDS = 0.2
"""After a first failure: it is confirmed at once, or was none."""

logger = logging.getLogger(__name__)


class Seen:
    """What one address was like: whether it serves, and whether it answers at all."""

    def __init__(self, rules: HealthRules) -> None:
        limits = {"failures_to_leave": rules.failures_to_leave, "successes_to_return": rules.successes_to_return}
        self.serves, self.answers = Health(**limits), Health(**limits)
        self.problem: str | None = None
        """What the last probe found."""

    @property
    def doubtful(self) -> bool:
        return self.serves.doubtful or self.answers.doubtful

    def observe(self, found: Finding) -> bool:
        """Whether either changed."""
        self.problem = found.problem
        return any([self.serves.observe(found.ready), self.answers.observe(found.answered)])


class Watcher:
    def __init__(
        self,
        declaration: Declaration,
        folder: Path,
        probe: Probe,
        *,
        clock: Clock,
        random: Random,
        out: Callable[[], Collection[str]] = tuple,
        nearest_version: Callable[[], str] = str,
    ) -> None:
        """`out`: regions that operators took out. `nearest_version`: of the measured distances in the same folder."""
        self._declaration = declaration
        self._folder = folder
        self._probe = probe
        self._clock = clock
        self._random = random
        self._out = out
        self._nearest_version = nearest_version
        addresses = [address for region in declaration.regions.values() for address in region.addresses]
        self._seen = {address: Seen(declaration.health) for address in addresses}
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Returns when every address has been looked at once."""
        await asyncio.gather(*(self._look(address) for address in self._seen))
        self._tasks = [asyncio.create_task(self._watch(address)) for address in self._seen]
        self._tasks.append(asyncio.create_task(every(self._clock, WRITE_SECONDS, self._random, self._write_again)))

    async def drain(self) -> None:
        """It goes on looking to the end."""

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._probe.close()

    def named(self) -> Named:
        grades = (lambda address: self._seen[address].serves.ready, lambda address: self._seen[address].answers.ready)
        return choice.named(self._declaration, grades, self._out())

    def problem_of(self, region: str) -> str | None:
        """Why none of its addresses is ready."""
        seen = [self._seen[address] for address in self._declaration.regions[region].addresses]
        if any(each.serves.ready for each in seen):
            return None
        return next((each.problem for each in seen if each.problem), "ready again, but not for long enough")

    def doubtful(self, address: IPAddress) -> bool:
        """The last probe failed, and one more would be enough."""
        return self._seen[address].doubtful

    def why_unready(self) -> str | None:
        known = all(seen.serves.known for seen in self._seen.values())
        return None if known else "has not looked at every region yet"

    def write(self) -> None:
        """For name servers, which read it with their next answer."""
        if self.why_unready() is None:
            replace(self._folder / HEALTH, self._text())

    async def _watch(self, address: IPAddress) -> None:
        pause_seconds = partial(self._pause_seconds, self._seen[address])
        await every(self._clock, pause_seconds, self._random, partial(self._look, address))

    async def _look(self, address: IPAddress) -> None:
        found = await self._probe(address)
        if self._seen[address].observe(found):
            logger.info("%s: %s", address, found.problem or "ready")
            self.write()

    def _pause_seconds(self, seen: Seen) -> float:
        if seen.doubtful:
            return AGAIN_SECONDS
        return self._declaration.health.interval_seconds

    async def _write_again(self) -> None:
        self.write()

    def _text(self) -> str:
        chosen = self.named()
        families: dict[str, lua.Value] = {}
        for family in self._declaration.families:
            usable = choice.of_family(self._declaration, chosen, family)
            families[family] = {name: [str(each) for each in at] for name, at in usable.items()}
        at = self._clock.epoch_milliseconds() // 1_000
        return lua.chunk({"at": at, "nearest": self._nearest_version(), **families})
