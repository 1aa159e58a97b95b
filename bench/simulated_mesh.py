"""A mesh of many nodes in one process and in virtual time."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from random import Random
from typing import Any

from bench.counted_network import CountedNetwork, Traffic
from bench.discovery_nodes import Make, SimulatedNode
from bench.virtual_time import VirtualTime
from broker.inbox import FOR_EVERYBODY, TARGETED
from broker.tasks import Tasks
from broker.wire.topics import Topics

STEP_SECONDS = 0.1


class SimulatedMesh:
    def __init__(self, make: Make, nodes: int, actions: int) -> None:
        self.time = VirtualTime()
        self.network = CountedNetwork(self.time)
        self.members = [make(number, actions, self.time, self.network) for number in range(nodes)]
        self.network.tapped = self.members[nodes // 2].name
        self._tasks = Tasks()

    def start(self, within_seconds: float, random: Random) -> None:
        for member in self.members:
            self.time.call_later(random.uniform(0, within_seconds), partial(self._start, member))

    async def traffic_of(self, seconds: float) -> Traffic:
        """What is sent from now on, for so long."""
        self.network.traffic = Traffic()
        await self.time.pass_until(self.time.now() + seconds)
        return self.network.traffic

    async def until(self, holds: Callable[[], bool], seconds: float) -> float:
        """After how long something holds. Raises `TimeoutError` if it never does."""
        began_at = self.time.now()
        while not holds():
            if self.time.now() - began_at > seconds:
                raise TimeoutError
            await self.time.pass_until(self.time.now() + STEP_SECONDS)
        return self.time.now() - began_at

    def is_complete(self) -> bool:
        return all(member.registry.count_available() == len(self.members) for member in self.members)

    def later(self, seconds: float, work: Coroutine[Any, Any, None]) -> None:
        self.time.call_later(seconds, lambda: self._tasks.spawn(work))

    async def done(self, work: Coroutine[Any, Any, None], seconds: float) -> None:
        """Work that takes no longer than this."""
        self._tasks.spawn(work)
        await self.time.pass_until(self.time.now() + seconds)

    async def end(self) -> None:
        for member in self.members:
            await member.end()

    def _start(self, member: SimulatedNode) -> None:
        topics = Topics()
        for kind, receive in member.receivers.items():
            if kind not in FOR_EVERYBODY:
                self.network.listen(topics.of(kind, member.name), member.name, receive)
            if kind not in TARGETED:
                self.network.listen(topics.everybody(kind), member.name, receive)
        self._tasks.spawn(member.start())
