"""What one node computes and remembers: a new one is sent, byte by byte, what a node of the simulated mesh was sent."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections import defaultdict
from collections.abc import Callable
from itertools import groupby
from statistics import median
from typing import Any

from bench.counted_network import CountedNetwork, CountedTransport, Recorded
from bench.discovery_nodes import Make, SimulatedNode
from bench.virtual_time import VirtualTime
from broker.inbox import Inbox
from broker.observe.metrics import Metrics
from broker.tasks import Tasks
from broker.transport import Receive
from broker.wire.topics import Kind, Topics

PLAYBACKS = 5
SLOT_SECONDS = 0.05
"""Packets of one slot come in together, as they do from a socket."""


class Playback:
    """One node behind the broker's own inbox. What it sends goes nowhere."""

    def __init__(self, make: Make, number: int, actions: int) -> None:
        self._time = VirtualTime()
        self._node = make(number, actions, self._time, CountedNetwork(self._time))
        self._tasks = Tasks()

    async def run(self, recorded: Recorded, until_seconds: float) -> float:
        """Seconds of processor time."""
        incoming = Incoming(CountedNetwork(self._time), self._time, self._node.name)
        await _inbox(self._node).open(incoming, Topics(), self._node.name)
        self._tasks.spawn(self._node.start())
        began_at = time.process_time()
        for slot, packets in groupby(recorded, key=lambda each: int(each[0] / SLOT_SECONDS)):
            await self._time.pass_until(slot * SLOT_SECONDS)
            for _, delivery in packets:
                incoming.receivers[delivery.subject](delivery)
        await self._time.pass_until(until_seconds)
        return time.process_time() - began_at

    async def end(self) -> None:
        await self._node.end()


class Incoming(CountedTransport):
    """Remembers who listens, for the playback to tell."""

    def __init__(self, network: CountedNetwork, time: VirtualTime, node: str) -> None:
        super().__init__(network, time, node)
        self.receivers: dict[str, Receive] = {}

    async def subscribe(self, subject: str, receive: Receive) -> None:
        self.receivers[subject] = receive


async def cpu_seconds(make: Make, number: int, actions: int, recorded: Recorded, until_seconds: float) -> float:
    times = []
    for _ in range(PLAYBACKS):
        playback = Playback(make, number, actions)
        times.append(await playback.run(recorded, until_seconds))
        await playback.end()
    return median(times)


async def memory_bytes(make: Make, number: int, actions: int, recorded: Recorded, until_seconds: float) -> int:
    gc.collect()
    tracemalloc.start()
    try:
        playback = Playback(make, number, actions)
        await playback.run(recorded, until_seconds)
        gc.collect()
        remembered_bytes = tracemalloc.get_traced_memory()[0]
        await playback.end()
        return remembered_bytes
    finally:
        tracemalloc.stop()


def _inbox(node: SimulatedNode) -> Inbox:
    receivers: dict[Kind, Callable[[Any], None]] = defaultdict(lambda: _ignore, node.receivers)
    return Inbox(receivers, Metrics())


def _ignore(packet: Any) -> None:
    """Not of discovery."""
